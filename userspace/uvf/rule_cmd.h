/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands of `uvf rule` share. */
#ifndef UVF_RULE_CMD_H
#define UVF_RULE_CMD_H

#include "uvf.h"

/* On a command line: a rule has 16 at most, each said once. */
#define RULE_WORDS 20

/* Asks uvfd about a function or an uplink. 0, or -errno with a sentence. */
int rule_call(struct uvf_request *request, const char *function, int fd, struct uvf_reply *reply);
/* The words of a command line as one text of UVF_PROTO_TEXT bytes. */
int rule_words(int argc, char **argv, char *text);

int cmd_rule_test(int argc, char **argv);

#endif /* UVF_RULE_CMD_H */
