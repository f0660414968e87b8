// SPDX-License-Identifier: GPL-2.0-only
/* What all functions of the host depend on: uvfd, what it may do, bpffs. */
#include "doctor.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "why.h"

/* A UMEM of libuvf, the smallest that an appliance makes. */
#define UMEM_USUAL (4ULL << 20)

static void uvfd_missing(struct doctor *doctor)
{
	found(doctor, SEVERITY_WARNING, "uvfd-not-running", NULL,
	      "uvfd is not running: nothing new is steered or leased, functions backed by veth "
	      "that it did not steer before are cut off, and those of uvf.ko have the slow path");
	advise(doctor, "start it: `systemctl start uvfd`, or `uvfd`");
}

static pid_t uvfd_pid(const struct doctor *doctor)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(doctor->facts.uvfd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return 0;
	return peer.pid;
}

/* The line "@key …" of a file of /proc/PID, behind the key. */
static bool proc_line(pid_t pid, const char *file, const char *key, char *line, int size)
{
	char path[64];
	bool seen = false;
	FILE *from;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	from = fopen(path, "re");
	if (!from)
		return false;
	while (!seen && fgets(line, size, from))
		seen = !strncmp(line, key, strlen(key));
	fclose(from);
	if (seen)
		memmove(line, line + strlen(key), strlen(line) - strlen(key) + 1);
	return seen;
}

static bool has(uint64_t caps, unsigned int cap)
{
	return caps & 1ULL << cap;
}

static void examine_rights(struct doctor *doctor, pid_t pid, uint64_t caps)
{
	static const struct {
		unsigned int cap;
		const char *name, *use;
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "attach programs" },
		{ CAP_NET_RAW, "CAP_NET_RAW", "make AF_XDP sockets" },
	};

	for (unsigned int i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (has(caps, needed[i].cap))
			continue;
		found(doctor, SEVERITY_ERROR, "uvfd-capability", NULL,
		      "uvfd (pid %d) has no %s, and can't %s", (int)pid, needed[i].name,
		      needed[i].use);
		advise(doctor, "start it with that capability: see CapabilityBoundingSet in "
			       "uvfd.service");
	}
	if (has(caps, CAP_BPF) || has(caps, CAP_SYS_ADMIN))
		return;
	found(doctor, SEVERITY_ERROR, "uvfd-capability", NULL,
	      "uvfd (pid %d) has neither CAP_BPF nor CAP_SYS_ADMIN, and can't load programs",
	      (int)pid);
	advise(doctor, "start it with one of them: see CapabilityBoundingSet in uvfd.service");
}

static void examine_memlock(struct doctor *doctor, pid_t pid, uint64_t caps)
{
	unsigned long long bytes;
	char line[256];

	/* "unlimited" is no number. */
	if (has(caps, CAP_IPC_LOCK) ||
	    !proc_line(pid, "limits", "Max locked memory", line, sizeof(line)) ||
	    sscanf(line, "%llu", &bytes) != 1 || bytes >= UMEM_USUAL)
		return;
	found(doctor, SEVERITY_ERROR, "memory-lock", NULL,
	      "uvfd (pid %d) may lock %llu bytes of memory and has no CAP_IPC_LOCK: no appliance's "
	      "memory is as small", (int)pid, bytes);
	advise(doctor, "start it with CAP_IPC_LOCK, or with LimitMEMLOCK=infinity (`ulimit -l "
		       "unlimited`)");
}

static void examine_uvfd(struct doctor *doctor)
{
	pid_t pid = uvfd_pid(doctor);
	uint64_t caps;
	char line[256];

	if (!pid || !proc_line(pid, "status", "CapEff:", line, sizeof(line)) ||
	    sscanf(line, "%" SCNx64, &caps) != 1)
		return;
	examine_rights(doctor, pid, caps);
	examine_memlock(doctor, pid, caps);
}

static void examine_bpffs(struct doctor *doctor)
{
	struct statfs fs;

	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC)
		return;
	found(doctor, SEVERITY_ERROR, "bpffs", NULL,
	      "bpffs is not mounted on /sys/fs/bpf: uvfd does not start, and libxdp can't share an "
	      "uplink");
	advise(doctor, "mount it: `mount -t bpf bpf /sys/fs/bpf`");
}

void examine_host(struct doctor *doctor)
{
	examine_bpffs(doctor);
	if (doctor->facts.uvfd < 0)
		uvfd_missing(doctor);
	else
		examine_uvfd(doctor);
}
