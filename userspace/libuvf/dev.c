// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A leased function: its rings, from lease to return. */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

#define RING_SIZE 2048

static int ring_map(struct uvf_ring *ring, int fd, uint64_t page_offset,
		    const struct xdp_ring_offset *at, uint32_t size, size_t entry)
{
	uint8_t *map;

	ring->map_size = at->desc + size * entry;
	map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		   page_offset);
	if (map == MAP_FAILED)
		return uvf_fail(errno, "can't map a ring of the AF_XDP socket: %s",
				strerror(errno));
	ring->map = map;
	ring->producer = (uint32_t *)(map + at->producer);
	ring->consumer = (uint32_t *)(map + at->consumer);
	ring->flags = (uint32_t *)(map + at->flags);
	ring->entries = map + at->desc;
	ring->size = size;
	ring->mask = size - 1;
	return 0;
}

static void ring_unmap(struct uvf_ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->map_size);
}

static int rings_map(struct uvf_dev *dev)
{
	uint32_t size = dev->info.ring_size;
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	int err;

	if (getsockopt(dev->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len))
		return uvf_fail(errno, "what uvfd passed for %s is not an AF_XDP socket: %s",
				dev->info.name, strerror(errno));
	err = ring_map(&dev->rx, dev->fd, XDP_PGOFF_RX_RING, &at.rx, size,
		       sizeof(struct xdp_desc));
	if (!err)
		err = ring_map(&dev->tx, dev->fd, XDP_PGOFF_TX_RING, &at.tx, size,
			       sizeof(struct xdp_desc));
	if (!err)
		err = ring_map(&dev->fill, dev->fd, XDP_UMEM_PGOFF_FILL_RING, &at.fr, size,
			       sizeof(uint64_t));
	if (!err)
		err = ring_map(&dev->done, dev->fd, XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr, size,
			       sizeof(uint64_t));
	return err;
}

static int dev_request(struct uvf *uvf, uint16_t type, const char *name,
		       struct uvf_reply *reply, int *fd)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = type };

	uvf->recheck = true; /* the call may have passed over a notice */
	strcpy(request.function, name);
	if (type == UVF_MSG_LEASE)
		request.lease.ring_size = RING_SIZE;
	return uvf_proto_call(uvf->sock, &request, -1, reply, fd);
}

/* The function, with its socket; the rings are not mapped yet. */
static int dev_lease(struct uvf_dev *dev, const char *name, bool *unbound)
{
	struct uvf_dev_info *info = &dev->info;
	struct uvf_reply reply;
	int err;

	err = dev_request(dev->uvf, UVF_MSG_LEASE, name, &reply, &dev->fd);
	if (err)
		return err;
	*unbound = reply.unbound;
	memcpy(info->name, reply.function, sizeof(info->name));
	memcpy(info->uplink, reply.uplink, sizeof(info->uplink));
	memcpy(info->mac, reply.mac, sizeof(info->mac));
	info->mtu = reply.mtu;
	info->ifindex = reply.ifindex;
	info->zerocopy = reply.zerocopy;
	info->ring_size = reply.ring_size;
	return 0;
}

static int dev_bind(struct uvf_dev *dev)
{
	struct uvf_reply reply;
	int err = dev_request(dev->uvf, UVF_MSG_BIND, dev->info.name, &reply, NULL);

	if (!err)
		dev->info.zerocopy = reply.zerocopy;
	return err;
}

int uvf_dev__open(struct uvf_dev **to, struct uvf *uvf, const char *name)
{
	struct uvf_dev *dev;
	unsigned int i = 0;
	bool unbound;
	int err;

	*to = NULL;
	if (!*name || strlen(name) >= UVF_NAME_SIZE)
		return uvf_fail(EINVAL, "'%s' can't be a function: names have 1 to %d characters",
				name, UVF_NAME_SIZE - 1);
	while (i < UVF_DEVS && uvf->devs[i])
		i++;
	if (i == UVF_DEVS)
		return uvf_fail(EMFILE, "a session has %d functions at most", UVF_DEVS);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return uvf_fail(ENOMEM, "no memory for %s", name);
	dev->uvf = uvf;
	dev->owner = OWNER_DEV + i;
	dev->fd = -1;
	err = dev_lease(dev, name, &unbound);
	if (err) {
		free(dev);
		return err;
	}
	uvf->devs[i] = dev;
	err = rings_map(dev);
	if (!err && unbound)
		err = dev_bind(dev);
	if (err) {
		uvf_dev__close(dev);
		return err;
	}
	frames_share(uvf, i + 1);
	dev_refill(dev);
	*to = dev;
	return 0;
}

void uvf_dev__close(struct uvf_dev *dev)
{
	struct uvf_reply reply;
	struct uvf *uvf;

	if (!dev)
		return;
	uvf = dev->uvf;
	ring_unmap(&dev->rx);
	ring_unmap(&dev->tx);
	ring_unmap(&dev->fill);
	ring_unmap(&dev->done);
	close(dev->fd);
	if (!uvf->orphan)
		dev_request(uvf, UVF_MSG_RELEASE, dev->info.name, &reply, NULL);
	/* Both ends of the socket are closed: its frames are nobody's now. */
	for (uint32_t i = 0; i < uvf->frames; i++)
		if (uvf->owner[i] == dev->owner)
			frame_put(uvf, i);
	uvf->devs[dev->owner - OWNER_DEV] = NULL;
	free(dev);
}

const struct uvf_dev_info *uvf_dev__info(const struct uvf_dev *dev)
{
	return &dev->info;
}

int uvf_dev__fd(const struct uvf_dev *dev)
{
	return dev->fd;
}

int uvf_dev__stats(struct uvf_dev *dev, struct uvf_dev_stats *stats)
{
	struct xdp_statistics kernel = { 0 };
	socklen_t len = sizeof(kernel);

	if (getsockopt(dev->fd, SOL_XDP, XDP_STATISTICS, &kernel, &len))
		return uvf_fail(errno, "can't read the counters of %s: %s", dev->info.name,
				strerror(errno));
	*stats = dev->stats;
	stats->rx_dropped = kernel.rx_dropped + kernel.rx_ring_full;
	stats->rx_ring_full = kernel.rx_ring_full;
	stats->rx_no_frame = kernel.rx_fill_ring_empty_descs;
	stats->tx_invalid = kernel.tx_invalid_descs;
	return 0;
}
