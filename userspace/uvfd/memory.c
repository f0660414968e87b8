// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client's UMEM consists of: its frames, in a memfd, and behind them files of others that it
 * has descriptors of, such as the memory of a guest.
 *
 *	0        memory_size    at of file 0      at of file 1
 *	├ frames ┤     hole     ├───── file ──────┤ hole ├─ file ─┤
 *
 * uvfd maps all of it to register it with the kernel, which holds the pages from then on, and looks
 * at none of it: a file that is made shorter hurts nobody here.
 */
#include "uvfd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "why.h"

/* Of huge pages only whole ones can be unmapped again. */
static int check_pages(int fd, uint64_t size)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return uvf_fail(errno, "can't look at the memory: %s", strerror(errno));
	if (fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	if (size % fs.f_bsize)
		return uvf_fail(EINVAL, "a UMEM in huge pages must be a multiple of their %llu "
					"bytes", (unsigned long long)fs.f_bsize);
	if ((uint64_t)fs.f_bsize > UVF_MAP_ALIGN)
		return uvf_fail(EOPNOTSUPP, "pages of %llu bytes can't be a UMEM: use those of "
					    "%llu", (unsigned long long)fs.f_bsize, UVF_MAP_ALIGN);
	return 0;
}

/* --- frames ------------------------------------------------------------------------------- */

static int check_memory(int fd, const struct uvf_request *request)
{
	struct stat stat;
	int seals;

	if (fd < 0)
		return uvf_fail(EPROTO, "a UMEM needs a memfd, and none came along");
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return uvf_fail(EINVAL, "a UMEM must be a memfd sealed with F_SEAL_SHRINK");
	if (fstat(fd, &stat) || (uint64_t)stat.st_size < request->memory.size)
		return uvf_fail(EINVAL, "the memfd is smaller than the UMEM it is to be");
	return check_pages(fd, request->memory.size);
}

/* A predecessor's, which the client does not go on with; @opened: or no longer. */
static void leases_drop(struct session *session, bool opened)
{
	struct lease *lease, *next;

	for (lease = LIST_FIRST(&session->leases); lease; lease = next) {
		next = LIST_NEXT(lease, entry);
		if (lease->inherited && (opened || !lease->request))
			lease_close(lease);
	}
}

static void maps_drop(struct session *session)
{
	while (session->maps)
		close(session->map[--session->maps].fd);
	session->maps_expected = 0;
}

void memory_drop(struct session *session)
{
	maps_drop(session);
	if (session->memory >= 0)
		close(session->memory);
	session->memory = -1;
	session->inherited = false;
}

int memory_set(struct session *session, const struct uvf_request *request, int *fd)
{
	int err;

	if (session->memory >= 0 && session->memory_request == request->number && request->number)
		return 0; /* asked once more */
	err = appliance_check_memory(session->appliance, request->memory.size);
	if (!err)
		err = check_memory(*fd, request);
	if (!err)
		err = source_check(request->memory.flags);
	if (err)
		return err;
	if (session->inherited) {
		leases_drop(session, true);
		memory_drop(session);
	}
	if (session->memory >= 0)
		return uvf_fail(EEXIST, "this connection has a UMEM already");
	session->memory = *fd;
	session->memory_size = request->memory.size;
	session->frame_size = request->memory.frame_size;
	session->linger = appliance_linger(session->appliance, request->memory.linger);
	session->busy_budget = request->memory.busy_budget;
	session->memory_flags = request->memory.flags;
	session->memory_request = request->number;
	*fd = -1;
	if (session->is_appliance)
		park_session(session);
	return 0;
}

int memory_resume(const struct session *session, struct uvf_reply *reply, int *fd)
{
	if (session->memory < 0 || !session->inherited)
		return uvf_fail(ENOENT, "no predecessor left anything");
	reply->memory_size = session->memory_size;
	reply->frame_size = session->frame_size;
	reply->maps = session->maps;
	reply->jumbo = session->memory_flags & UVF_MEMORY_JUMBO;
	reply->meta = session->memory_flags & UVF_MEMORY_META;
	*fd = session->memory;
	return 0;
}

void memory_inherit(struct session *to, struct session *from)
{
	to->memory = from->memory;
	to->memory_size = from->memory_size;
	to->frame_size = from->frame_size;
	to->memory_flags = from->memory_flags;
	memcpy(to->map, from->map, sizeof(to->map));
	to->maps = from->maps;
	to->maps_expected = from->maps_expected;
	to->frame_max = from->frame_max;
	to->inherited = true;
	from->memory = -1;
	from->maps = 0;
}

/* --- files behind them ---------------------------------------------------------------------- */

static uint64_t end_of(const struct session *session)
{
	const struct session_map *last;

	if (!session->maps)
		return session->memory_size;
	last = &session->map[session->maps - 1];
	return last->at + last->size;
}

static bool is_same_file(int a, int b)
{
	struct stat one, other;

	return !fstat(a, &one) && !fstat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* A successor says what its predecessor had said. */
static bool is_there(const struct session *session, const struct uvf_request *request, int fd)
{
	const struct session_map *map = &session->map[request->map.index];

	return session->maps_expected == request->map.count &&
	       request->map.index < session->maps && map->at == request->map.at &&
	       map->size == request->map.size && session->frame_max == request->map.frame_max &&
	       is_same_file(map->fd, fd);
}

static int check_map(const struct session *session, const struct uvf_request *request, int fd)
{
	uint64_t end = request->map.at + request->map.size;
	struct stat stat;

	if (request->map.index != session->maps)
		return uvf_fail(EPROTO, "file %u of a UMEM comes behind file %u",
				request->map.index, session->maps);
	if (request->map.at < end_of(session) ||
	    request->map.at - end_of(session) >= UVF_MAP_ALIGN)
		return uvf_fail(EPROTO, "a file at %llu in the UMEM: the next place is behind %llu",
				(unsigned long long)request->map.at,
				(unsigned long long)end_of(session));
	if (request->map.frame_max > session->frame_size - UVF_XDP_HEADROOM)
		return uvf_fail(EINVAL, "frames of %u bytes, %d of headroom do not fit into %u",
				request->map.frame_max, UVF_XDP_HEADROOM, session->frame_size);
	if (appliance_check_memory(session->appliance, end))
		return -E2BIG;
	if (fd < 0 || fstat(fd, &stat) || !S_ISREG(stat.st_mode))
		return uvf_fail(EPROTO, "what came for a UMEM is not a memfd, nor another file");
	if ((uint64_t)stat.st_size < request->map.size)
		return uvf_fail(EINVAL, "the file has %llu bytes, and %llu are to be in the UMEM",
				(unsigned long long)stat.st_size,
				(unsigned long long)request->map.size);
	return check_pages(fd, request->map.size);
}

static int maps_begin(struct session *session, uint32_t count, uint32_t frame_max)
{
	leases_drop(session, false);
	if (!LIST_EMPTY(&session->leases))
		return uvf_fail(EBUSY, "the UMEM of leased functions stays as it is: give them "
				       "back first");
	maps_drop(session);
	session->maps_expected = count;
	session->frame_max = frame_max;
	return 0;
}

int memory_map(struct session *session, const struct uvf_request *request, int *fd)
{
	uint32_t count = request->map.count;
	int err = 0;

	if (session->memory < 0)
		return uvf_fail(EPROTO, "files can lie behind the frames of a UMEM, and there is "
					"none");
	if (count && *fd >= 0 && is_there(session, request, *fd))
		return 0;
	if (!count || !request->map.index || count != session->maps_expected)
		err = maps_begin(session, count, request->map.frame_max);
	if (!err && count)
		err = check_map(session, request, *fd);
	if (err)
		return err;
	if (count) {
		session->map[session->maps++] = (struct session_map){
			.fd = *fd,
			.at = request->map.at,
			.size = request->map.size,
		};
		*fd = -1;
	}
	if (session->is_appliance)
		park_session(session);
	return 0;
}

int memory_check_complete(const struct session *session)
{
	if (session->memory < 0)
		return uvf_fail(EPROTO, "a lease needs a UMEM first");
	if (session->maps != session->maps_expected)
		return uvf_fail(EPROTO, "of %u files behind the UMEM's frames %u came",
				session->maps_expected, session->maps);
	return 0;
}

/* --- for the kernel ------------------------------------------------------------------------- */

static int map_at(uint8_t *area, uint64_t at, uint64_t size, int fd)
{
	if (mmap(area + at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
	    MAP_FAILED)
		return 0;
	return uvf_fail(errno, "can't map the appliance's memory: %s", strerror(errno));
}

/* struct xdp_umem_reg as of Linux 6.8; before, the last field was padding. */
struct umem_reg {
	uint64_t addr, len;
	uint32_t chunk_size, headroom, flags, tx_metadata_len;
};

_Static_assert(sizeof(struct umem_reg) == sizeof(struct xdp_umem_reg), "linux/if_xdp.h");

#define UMEM_TX_METADATA_LEN (1 << 2) /* XDP_UMEM_TX_METADATA_LEN */

static void reg_meta(struct umem_reg *reg, uint32_t memory_flags)
{
	if (!(memory_flags & UVF_MEMORY_META_TX))
		return;
	reg->flags |= UMEM_TX_METADATA_LEN;
	reg->tx_metadata_len = UVF_TX_META_LEN;
}

/* Before Linux 6.8 the flag is unknown (xdp_umem_reg(), net/xdp/xdp_umem.c). */
bool memory_has_tx_meta(void)
{
	static enum { UNKNOWN, YES, NO } known;
	struct umem_reg reg = { .len = 4096, .chunk_size = 4096 };
	void *page;
	int xsk;

	if (known != UNKNOWN)
		return known == YES;
	xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	page = mmap(NULL, reg.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (xsk >= 0 && page != MAP_FAILED) {
		reg.addr = (uintptr_t)page;
		reg_meta(&reg, UVF_MEMORY_META_TX);
		known = setsockopt(xsk, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) &&
			errno == EINVAL ? NO : YES;
	}
	if (page != MAP_FAILED)
		munmap(page, reg.len);
	if (xsk >= 0)
		close(xsk);
	return known != NO; /* else the next one will say why */
}

/* Holes are anonymous memory, less than UVF_MAP_ALIGN each: a UMEM has none. */
int memory_register(const struct session *session, int xsk)
{
	struct umem_reg reg = { .len = end_of(session), .chunk_size = session->frame_size };
	size_t reserved = reg.len + UVF_MAP_ALIGN;
	uint8_t *all = mmap(NULL, reserved, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *area = (uint8_t *)(((uintptr_t)all + UVF_MAP_ALIGN - 1) & -UVF_MAP_ALIGN);
	int err;

	if (all == MAP_FAILED)
		return uvf_fail(errno, "no room to map a UMEM of %llu bytes: %s",
				(unsigned long long)reg.len, strerror(errno));
	err = map_at(area, 0, session->memory_size, session->memory);
	for (unsigned int i = 0; !err && i < session->maps; i++)
		err = map_at(area, session->map[i].at, session->map[i].size, session->map[i].fd);
	reg.addr = (uintptr_t)area;
	reg_meta(&reg, session->memory_flags);
	if (session->maps) {
		reg.flags |= XDP_UMEM_UNALIGNED_CHUNK_FLAG;
		reg.headroom = session->frame_size - UVF_XDP_HEADROOM - session->frame_max;
	}
	if (!err && setsockopt(xsk, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		err = uvf_fail(errno, "the kernel refuses %llu bytes as a UMEM: %s",
			       (unsigned long long)reg.len, strerror(errno));
	munmap(all, reserved);
	return err;
}
