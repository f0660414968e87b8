/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened while traffic ran: processor time that a process took, all its threads together,
 * and frames that a device received. Both are read where the traffic begins and ends, so that
 * nothing before and after counts.
 */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WATCH_NS 1000000000ULL

struct watch {
	clockid_t clock;
	pid_t pid; /* 0: nobody */
	const char *device;
	uint64_t cpu_ns;
	uint32_t frames;
};

static inline uint64_t watch_read(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return t.tv_sec * WATCH_NS + t.tv_nsec;
}

static inline uint64_t watch_now(void)
{
	return watch_read(CLOCK_MONOTONIC);
}

/* The low 32 bits: for a difference enough. */
static inline int watch_frames(const char *device, uint32_t *frames)
{
	struct ifaddrs *all, *at;

	if (getifaddrs(&all))
		return -1;
	for (at = all; at; at = at->ifa_next)
		if (at->ifa_addr && at->ifa_addr->sa_family == AF_PACKET &&
		    !strcmp(at->ifa_name, device))
			break;
	if (at)
		*frames = ((const struct rtnl_link_stats *)at->ifa_data)->rx_packets;
	else
		errno = ENODEV;
	freeifaddrs(all);
	return at ? 0 : -1;
}

/* Can both be looked at? -1 and errno. */
static inline int watch_open(struct watch *watch, pid_t pid, const char *device)
{
	*watch = (struct watch){ .pid = pid, .device = device };
	if (pid)
		errno = clock_getcpuclockid(pid, &watch->clock);
	if (pid && errno)
		return -1;
	return watch_frames(device, &watch->frames);
}

/* When that was. */
static inline uint64_t watch_begin(struct watch *watch)
{
	watch_frames(watch->device, &watch->frames);
	watch->cpu_ns = watch->pid ? watch_read(watch->clock) : 0;
	return watch_now();
}

static inline uint64_t watch_end(struct watch *watch)
{
	uint64_t at = watch_now();
	uint32_t frames = watch->frames;

	if (watch->pid)
		watch->cpu_ns = watch_read(watch->clock) - watch->cpu_ns;
	watch_frames(watch->device, &frames);
	watch->frames = frames - watch->frames;
	return at;
}

#endif /* BENCH_WATCH_H */
