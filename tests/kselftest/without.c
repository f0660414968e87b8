// SPDX-License-Identifier: GPL-2.0-only
/*
 * without FAMILY COMMAND [ARGUMENT...] - runs COMMAND on a kernel that does not know an address
 * family: socket(2) answers EAFNOSUPPORT to it. For what is said on a kernel without AF_XDP.
 */
#include <err.h>
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 3 || !filter)
		errx(2, "usage: without FAMILY COMMAND [ARGUMENT...]");
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
			     SCMP_A0(SCMP_CMP_EQ, strtoul(argv[1], NULL, 10))) ||
	    seccomp_load(filter))
		errx(2, "can't filter system calls");
	execvp(argv[2], argv + 2);
	err(2, "%s", argv[2]);
}
