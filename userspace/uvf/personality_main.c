// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf-personality: a program of its own, so that nothing else loads what XML and Lua take (libxml2
 * brings 30 MB of ICU along).
 */
#include "uvf.h"

const char *argp_program_version = "uvf " UVF_VERSION;

int main(int argc, char **argv)
{
	return cmd_personality(argc, argv);
}
