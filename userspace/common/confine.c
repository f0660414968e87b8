// SPDX-License-Identifier: GPL-2.0-only
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "why.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

int confine_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = mask, .permitted = mask },
		{ .effective = mask >> 32, .permitted = mask >> 32 },
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &head, caps))
		return uvf_fail(errno, "can't give up capabilities: %s", strerror(errno));
	return 0;
}

/* clang-format off */
static const struct confine_call always[] = {
	{ SCMP_SYS(brk), 0, 0 }, { SCMP_SYS(munmap), 0, 0 }, { SCMP_SYS(mremap), 0, 0 },
	{ SCMP_SYS(madvise), 0, 0 }, { SCMP_SYS(futex), 0, 0 },
	{ SCMP_SYS(clock_gettime), 0, 0 }, { SCMP_SYS(restart_syscall), 0, 0 },
	{ SCMP_SYS(rt_sigaction), 0, 0 }, { SCMP_SYS(rt_sigprocmask), 0, 0 },
	{ SCMP_SYS(rt_sigreturn), 0, 0 }, { SCMP_SYS(exit_group), 0, 0 },
	/* stdio, for what is open */
	{ SCMP_SYS(write), 0, 0 }, { SCMP_SYS(fstat), 0, 0 }, { SCMP_SYS(newfstatat), 0, 0 },
	{ SCMP_SYS(ioctl), 2, TCGETS },
};
/* clang-format on */

static int allow(scmp_filter_ctx filter, const struct confine_call *call)
{
	struct scmp_arg_cmp cmp = { call->argument - 1, SCMP_CMP_EQ, call->value, 0 };
	int err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, !!call->argument,
					 &cmp);

	/* This architecture does without it. */
	return err == -EDOM || err == -EFAULT ? 0 : err;
}

/* What dlopen() does: code is mapped from a file, and never writable; nor is it made so. */
static int fill_loading(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));

	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ,
					       O_ACCMODE | O_CREAT | O_TRUNC | __O_TMPFILE,
					       O_RDONLY));
	return err;
}

static int fill(scmp_filter_ctx filter, const struct confine_call *calls, size_t n, bool loads)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!err && loads)
		err = fill_loading(filter);
	for (size_t i = 0; !err && i < sizeof(always) / sizeof(always[0]); i++)
		err = allow(filter, &always[i]);
	for (size_t i = 0; !err && i < n; i++)
		err = allow(filter, &calls[i]);
	return err ?: seccomp_load(filter);
}

static int confine(const struct confine_call *calls, size_t n, enum confine_else otherwise,
		   bool loads)
{
	scmp_filter_ctx filter;
	int err;

	if (SANITIZED)
		return 0;
	filter = seccomp_init(otherwise == CONFINE_KILL ? SCMP_ACT_KILL_PROCESS :
							  SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return uvf_fail(ENOMEM, "no memory for a system call filter");
	err = fill(filter, calls, n, loads);
	seccomp_release(filter);
	if (err)
		return uvf_fail(-err, "can't load the system call filter: %s", strerror(-err));
	return 0;
}

int confine_calls(const struct confine_call *calls, size_t n, enum confine_else otherwise)
{
	return confine(calls, n, otherwise, false);
}

int confine_loading(const struct confine_call *calls, size_t n, enum confine_else otherwise)
{
	return confine(calls, n, otherwise, true);
}
