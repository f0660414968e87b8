// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvfd speaks to appliances, which may be hostile, and is root. Should one of them lead it astray:
 * it starts no program, traces nobody, loads no module, mounts nothing, becomes nobody else, opens
 * no raw socket but AF_XDP's, and executes nothing that it maps. What is left is much, for bpf(2)
 * is: but no more than steering needs.
 *
 * A call that is missing here is refused, rather than fatal: whoever must go on at night says what
 * was refused, and goes on. The keeper has four calls to make, and dies of any other.
 */
#include "sandbox.h"

#include <pwd.h>

#include <linux/capability.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "confine.h"

#define CALLS(calls) calls, sizeof(calls) / sizeof(calls[0])
#define ANY(name) { SCMP_SYS(name), 0, 0 }

/* clang-format off */
static const struct confine_call uvfd[] = {
	ANY(bpf), ANY(perf_event_open), /* libbpf looks what the kernel has */
	{ SCMP_SYS(socket), 1, AF_UNIX }, { SCMP_SYS(socket), 1, AF_NETLINK },
	{ SCMP_SYS(socket), 1, AF_XDP }, { SCMP_SYS(socket), 1, AF_INET }, /* ethtool's ioctl */
	ANY(bind), ANY(connect), ANY(listen), ANY(accept4), ANY(getsockname), ANY(getpeername),
	ANY(setsockopt), ANY(getsockopt), ANY(sendto), ANY(sendmsg), ANY(recvfrom), ANY(recvmsg),
	{ SCMP_SYS(ioctl), 2, SIOCETHTOOL }, { SCMP_SYS(ioctl), 2, SIOCGIFNAME },
	{ SCMP_SYS(ioctl), 2, SIOCGIFINDEX },
	ANY(epoll_ctl), ANY(epoll_wait), ANY(epoll_pwait), ANY(poll), ANY(ppoll),
	ANY(clock_nanosleep), ANY(nanosleep), ANY(timerfd_settime),
	/* descriptors, which are passed on and parked */
	ANY(close), ANY(dup), ANY(dup2), ANY(dup3), ANY(fcntl), ANY(pipe2), ANY(memfd_create),
	ANY(ftruncate),
	/* files: what libbpf and libxdp read and pin, and uvfd's own notes */
	ANY(open), ANY(openat), ANY(read), ANY(readv), ANY(pread64), ANY(writev), ANY(lseek),
	ANY(stat), ANY(lstat), ANY(statx), ANY(statfs), ANY(fstatfs), ANY(access), ANY(faccessat),
	ANY(faccessat2), ANY(readlink), ANY(readlinkat), ANY(getdents64), ANY(flock), ANY(fsync),
	ANY(fdatasync), ANY(mkdir), ANY(mkdirat), ANY(rmdir), ANY(unlink), ANY(unlinkat),
	ANY(rename), ANY(renameat), ANY(renameat2), ANY(umask),
	/* its socket's mode, as uvf.conf(5) names users or none; who watches and does not read */
	ANY(chmod), ANY(shutdown),
	ANY(getpid), ANY(gettid), ANY(getuid), ANY(geteuid), ANY(getgid), ANY(getegid), ANY(uname),
	ANY(prlimit64), ANY(getrlimit), ANY(sysinfo), ANY(getrandom), ANY(sched_getaffinity),
	ANY(membarrier),
};

static const struct confine_call keeper[] = {
	ANY(accept4), ANY(recvmsg), ANY(sendmsg), ANY(close),
};
/* clang-format on */

/* CAP_SYS_ADMIN, which includes CAP_BPF: to go on with what a killed uvfd left, by its ids. */
int sandbox_uvfd(void)
{
	int err = confine_capabilities(1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_RAW |
				       1ULL << CAP_IPC_LOCK | 1ULL << CAP_SYS_ADMIN);

	/* Code can't be mapped later: what looks users up (nsswitch.conf) is loaded now. */
	getpwnam("no such user");
	return err ?: confine_calls(CALLS(uvfd), CONFINE_REFUSE);
}

int sandbox_keeper(void)
{
	int err = confine_capabilities(0);

	return err ?: confine_calls(CALLS(keeper), CONFINE_KILL);
}
