// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left of the kernel once the loop runs. The firewall reads what strangers send; should
 * one of them take it over, it can open no file, make no socket, start no program, and nothing
 * that it maps can be executed. Any other system call ends the process (and leaves a line in
 * the audit log), for a call that is not in the list is either an attack or our mistake.
 */
#include <err.h>
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "sandbox.h"

/* The sanitizers' own run-time makes calls of many kinds when it has something to report. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* clang-format off */
static const int allowed[] = {
	/* libuvf: wait, send, receive notices, give functions back */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg), SCMP_SYS(getsockopt), SCMP_SYS(close), SCMP_SYS(munmap),
	/* time, where it is not read without a call; signals */
	SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
	/* statistics: the JSON text's memory, and the file, which is open */
	SCMP_SYS(brk), SCMP_SYS(mremap), SCMP_SYS(write), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	SCMP_SYS(lseek),
	SCMP_SYS(exit_group),
};
/* clang-format on */

static int add_rules(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(*allowed); i++) {
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		if (err == -EDOM || err == -EFAULT)
			err = 0; /* this architecture does without it */
	}
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* stdio asks whether standard output is a terminal */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, TCGETS));
	return err;
}

int sandbox_enter(void)
{
	scmp_filter_ctx filter;
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		warn("cannot give up new privileges");
		return -1;
	}
	if (SANITIZED)
		return 0;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter) {
		warnx("cannot make a system call filter: out of memory");
		return -1;
	}
	err = add_rules(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (!err)
		return 0;
	warnx("cannot load the system call filter: %s", strerror(-err));
	return -1;
}
