/* SPDX-License-Identifier: GPL-2.0-only */
/* uvf, the command line: what its commands share. */
#ifndef UVF_UVF_H
#define UVF_UVF_H

#include <argp.h>
#include <stdbool.h>

#include <uvf/steer.h>

#include "link.h"
#include "proto.h"

/* A command: called with its own name as argv[0]; returns the exit status. */
int cmd_add(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_cni(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_del(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_lease(int argc, char **argv);
int cmd_front(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_latency(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_personality(int argc, char **argv);
int cmd_release(int argc, char **argv);
int cmd_limit(int argc, char **argv);
int cmd_mirror(int argc, char **argv);
int cmd_redirect(int argc, char **argv);
int cmd_rule(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_vm(int argc, char **argv);

/* Parses @argv; argp prints help and usage and exits for them. */
void parse(const struct argp *argp, int argc, char **argv, void *input);

/* Prints the sentence of uvf_why() behind "uvf: "; returns 1. */
int fail(void);

/* 0, or -EPERM with a sentence: @command needs root, as @reason tells. */
int must_be_root(const char *command, const char *reason);

/* Becomes @user for good; 0 or -errno, with a sentence. */
int drop_privileges(const char *user);

/* Milliseconds of a command line's seconds, of at least a tenth and at most a day. */
unsigned int seconds_parse(const char *arg, struct argp_state *state);

/* --- facts.c: what the kernel and uvfd know of the functions ----------------------------- */

struct facts {
	struct uvf_links links;
	struct nl_sock *rtnl;
	int uvfd; /* connection, or -1: then only the kernel's facts are known */
	int (*reach)(void); /* a connection to uvfd, or -errno */
	int patience; /* ms, for each answer of uvfd */
	bool silent; /* uvfd took the last question, and did not answer it in that time */
};

struct fact {
	struct uvf_function function;
	bool uvfd; /* @lease holds what uvfd knows */
	struct uvf_reply lease;
};

/* A connection to uvfd, where UVF_SOCKET says or by default; or -errno with a sentence. */
int reach_uvfd(void);
/* 0, or -errno with a sentence. @need_uvfd: not to be had without it. */
int facts_open(struct facts *facts, bool need_uvfd);
/* By a way to uvfd of one's own. */
int facts_open_by(struct facts *facts, int (*reach)(void));
void facts_close(struct facts *facts);
/* Asks the kernel anew, and reaches for a uvfd that was not there. Older facts are void. */
int facts_refresh(struct facts *facts);
int facts_find(struct facts *facts, const char *name, struct fact *fact);
/* Calls @each for each function, in the order of their making. */
void facts_walk(struct facts *facts, void (*each)(const struct fact *fact, void *arg), void *arg);

/* The words of enum uvf_drop. */
extern const char *const drop_names[UVF_DROPS];

const char *fact_backend(const struct fact *fact);
const char *fact_state(const struct fact *fact);
#define MAC_TEXT_SIZE 18
const char *mac_text(const uint8_t *mac, char *text);

/* --- query.c: the commands that take functions' names and --json -------------------------- */

struct json_object;

struct query {
	bool json;
	int count;
	char **names;
};
extern const struct argp_option query_options[];
error_t query_parse(int key, char *arg, struct argp_state *state);

/* Of commands that watch one function for a time. */
struct watch {
	bool json;
	unsigned int milliseconds;
	const char *function; /* NULL: none was named */
};
extern const struct argp_option watch_options[];
error_t watch_parse(int key, char *arg, struct argp_state *state);

/* Prints what @describe says of each function named, as JSON or by @text. The exit status. */
typedef struct json_object *query_describe(const struct fact *fact);
int query_each(const struct argp *argp, int argc, char **argv, query_describe *describe,
	       void (*text)(struct json_object *object));

#endif /* UVF_UVF_H */
