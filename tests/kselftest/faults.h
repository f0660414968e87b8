/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of faults share; faults.c tells what it is about. */
#ifndef FAULTS_H
#define FAULTS_H

#include <errno.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl.h"

void __attribute__((noreturn, format(printf, 2, 3))) die(int status, const char *format, ...);

/* --- faults_inject.c: the one allocation that fails, and netlink around it ---------------- */

#define UNANSWERED 1 /* instead of 0 or a negative errno */

extern int fail_nth; /* /proc/thread-self/fail-nth */
extern unsigned int nth; /* which allocation is to fail, counted from 1; 0: none */
extern bool injected;
extern struct nl_sock *rtnl, *genl;

void arm(unsigned int n);
int disarm(int err);
int error_of(long result);

/* Around the one system call. */
#define FAULTY(call) (arm(nth), disarm(error_of(call)))

int ask(struct nl_sock *sock, struct nl_msg *msg, bool faulty, nl_reply *each, void *arg);
struct nl_msg *rtnl_new(int type, int flags, const void *head, size_t size);
/* @up: IFF_UP, 0, or -1: as it is. */
struct nl_msg *link_new(int flags, int index, unsigned int up);

/* --- faults_picture.c: a picture of what there is ----------------------------------------- */

struct picture {
	char text[32768];
	size_t len;
	unsigned int irqs;
};

void look(struct picture *p);
void must(int err);

/* --- what is asked: its words, and what the steps are made of ----------------------------- */

extern char **words; /* of the command line, after the step's name */
extern const char *name;
extern unsigned int replies;

int index_of(const char *device);
void done(int err);

/* faults_link.c */
int make(void);
void unmake(void);
int up(void);
void down(void);
int readdress(void);
void address_back(void);
int limit(void);
void limit_off(void);
void renew(void);
int channels_change(void);

/* faults_socket.c */
int xsk_bind(void);
void xsk_close(void);
void program_load(void);
int program_attach(void);
void program_detach(void);
int bpf_link_make(void);
void bpf_link_close(void);

/* faults_module.c */
int get(void);
int dump(void);
void eventfds_open(void);
int route_in(void);
void route_in_end(void);
int route_out(void);
void route_out_end(void);
int driver_bind(void);
void driver_unbind(void);
int module_insert(void);
void module_remove(void);

#endif /* FAULTS_H */
