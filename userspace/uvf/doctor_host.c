// SPDX-License-Identifier: GPL-2.0-only
/* What all functions of the host depend on: uvfd, what it needs to start, bpffs. */
#include "doctor.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

static bool own_capabilities(uint64_t *caps)
{
	FILE *from = fopen("/proc/self/status", "re");
	bool seen = false;
	char line[256];

	while (from && !seen && fgets(line, sizeof(line), from))
		seen = sscanf(line, "CapEff: %" SCNx64, caps) == 1;
	if (from)
		fclose(from);
	return seen;
}

/* Of a uvfd that would be started from where this one was: it keeps these, or does not start. */
static void examine_rights(struct doctor *doctor)
{
	static const struct {
		unsigned int cap;
		const char *code, *name, *use;
	} needed[] = {
		{ CAP_NET_ADMIN, "uvfd-capability", "CAP_NET_ADMIN", "attach programs" },
		{ CAP_NET_RAW, "uvfd-capability", "CAP_NET_RAW", "make AF_XDP sockets" },
		{ CAP_SYS_ADMIN, "uvfd-capability", "CAP_SYS_ADMIN", "load programs" },
		{ CAP_IPC_LOCK, "memory-lock", "CAP_IPC_LOCK", "lock the memory of appliances" },
	};
	uint64_t caps;

	if (!own_capabilities(&caps))
		return;
	for (unsigned int i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (caps & 1ULL << needed[i].cap)
			continue;
		found(doctor, SEVERITY_ERROR, needed[i].code, NULL,
		      "uvfd can't start from here: root has no %s, and uvfd could not %s",
		      needed[i].name, needed[i].use);
		advise(doctor, "give it to this container or session, or start uvfd outside: see "
			       "CapabilityBoundingSet in uvfd.service");
	}
}

static void uvfd_missing(struct doctor *doctor)
{
	found(doctor, SEVERITY_WARNING, "uvfd-not-running", NULL,
	      "uvfd is not running: nothing new is steered or leased, functions backed by veth "
	      "that it did not steer before are cut off, and those of uvf.ko have the slow path");
	advise(doctor, "start it: `systemctl start uvfd`, or `uvfd`");
	examine_rights(doctor);
}

/* After all questions: it may have fallen silent at any. */
void examine_uvfd(struct doctor *doctor)
{
	if (!doctor->facts.silent)
		return;
	found(doctor, SEVERITY_WARNING, "uvfd-silent", NULL,
	      "uvfd runs, but did not answer within %d s: it is busy, stopped or hangs, and what "
	      "it alone knows of functions is missing here", doctor->facts.patience / 1000);
	advise(doctor, "ask again; if it stays so, see `journalctl -u uvfd` and `systemctl restart "
		       "uvfd`: appliances keep their functions meanwhile");
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
	if (doctor->facts.uvfd < 0 && !doctor->facts.silent)
		uvfd_missing(doctor);
}
