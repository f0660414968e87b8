// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A leased function, from lease to return. */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

#define RING_SIZE 2048

/* Who ends is not to be held up. */
#define RELEASE_MS 1000

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

static void info_fill(struct uvf_dev_info *info, const struct uvf_reply *reply,
		      uint32_t frame_max)
{
	memcpy(info->name, reply->function, sizeof(info->name));
	memcpy(info->uplink, reply->uplink, sizeof(info->uplink));
	memcpy(info->mac, reply->mac, sizeof(info->mac));
	info->mtu = reply->mtu;
	info->ifindex = reply->ifindex;
	info->zerocopy = reply->zerocopy;
	info->ring_size = reply->ring_size;
	info->frame_max = frame_max * (reply->jumbo ? UVF_BUFFERS : 1);
}

static int sources_make(struct uvf_dev *dev, unsigned int sources)
{
	if (!sources)
		sources = 1;
	if (sources > UVF_PROTO_SOURCES)
		return uvf_fail(EPROTO, "uvfd speaks of %u sockets for %s: there can be %d",
				sources, dev->info.name, UVF_PROTO_SOURCES);
	dev->source = calloc(sources, sizeof(*dev->source));
	if (!dev->source)
		return uvf_fail(ENOMEM, "no memory for %s", dev->info.name);
	dev->sources = sources;
	for (unsigned int i = 0; i < sources; i++)
		dev->source[i].fd = -1;
	return 0;
}

static int source_fetch(struct uvf_dev *dev, unsigned int index)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_SOURCE,
		.source.index = index,
	};
	struct uvf_source *source = &dev->source[index];
	struct uvf_reply reply;
	int err, fd;

	strcpy(request.function, dev->info.name);
	err = uvf_proto_call(dev->uvf->sock, &request, -1, &reply, &fd);
	if (err)
		return err;
	source->direct = reply.direct;
	source->zerocopy = reply.zerocopy;
	return source_open(dev, index, fd);
}

void tx_choose(struct uvf_dev *dev)
{
	dev->tx = 0;
	for (unsigned int i = dev->sources; i--;)
		if (dev->source[i].direct)
			dev->tx = i;
	dev->info.asks = source_asks(dev->uvf, &dev->source[dev->tx]);
}

void epoll_close(struct uvf_dev *dev)
{
	if (dev->epoll >= 0)
		close(dev->epoll);
	dev->epoll = -1;
}

int epoll_renew(struct uvf_dev *dev)
{
	epoll_close(dev);
	if (dev->sources == 1)
		return 0;
	dev->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; dev->epoll >= 0 && i < dev->sources; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		if (epoll_ctl(dev->epoll, EPOLL_CTL_ADD, dev->source[i].fd, &event))
			break;
		if (i + 1 == dev->sources)
			return 0;
	}
	return uvf_fail(errno, "can't make a descriptor for the queues of %s: %s", dev->info.name,
			strerror(errno));
}

static int sources_open(struct uvf_dev *dev, const struct uvf_reply *lease, int fd)
{
	int err = source_open(dev, 0, fd);

	dev->source[0].zerocopy = lease->zerocopy;
	for (unsigned int i = 1; !err && i < dev->sources; i++)
		err = source_fetch(dev, i);
	if (!err)
		err = epoll_renew(dev);
	tx_choose(dev);
	return err;
}

static int dev_bind(struct uvf_dev *dev)
{
	struct uvf_reply reply;
	int err = dev_request(dev->uvf, UVF_MSG_BIND, dev->info.name, &reply, NULL);

	if (!err)
		dev->info.zerocopy = reply.zerocopy;
	return err;
}

static int dev_setup(struct uvf_dev *dev, const struct uvf_reply *lease, int fd)
{
	int err = sources_open(dev, lease, fd);

	dev->unbound = lease->unbound;
	if (!err && dev->uvf->resumed)
		err = dev_resume(dev, lease->resumed);
	return err;
}

/* A uvfd that had not heard of them would bind sockets that drop them. */
static int flags_check(const struct uvf *uvf, const struct uvf_reply *reply)
{
	if (!uvf->jumbo != !reply->jumbo)
		return uvf_fail(EPROTO, "uvfd gave a socket %s jumbo frames: install uvfd and libuvf "
					"of one release", uvf->jumbo ? "without" : "with");
	if (meta_flags(uvf) != reply->meta)
		return uvf_fail(EPROTO, "uvfd gave a socket with other metadata than was asked for: "
					"install uvfd and libuvf of one release");
	return 0;
}

static int dev_lease(struct uvf_dev *dev, const char *name)
{
	struct uvf *uvf = dev->uvf;
	struct uvf_reply reply;
	int err, fd;

	err = dev_request(uvf, UVF_MSG_LEASE, name, &reply, &fd);
	if (err)
		return err;
	dev->leased = true;
	uvf->mute = false;
	info_fill(&dev->info, &reply, frame_mask(uvf) + 1 - HEADROOM);
	err = flags_check(uvf, &reply) ?: sources_make(dev, reply.sources) ?: sent_make(dev);
	if (!err)
		return dev_setup(dev, &reply, fd);
	close(fd);
	return err;
}

static int slot_find(const struct uvf *uvf, const char *name)
{
	int i = 0;

	if (!*name || strlen(name) >= UVF_NAME_SIZE)
		return uvf_fail(EINVAL, "'%s' can't be a function: names have 1 to %d characters",
				name, UVF_NAME_SIZE - 1);
	while (i < UVF_DEVS && uvf->devs[i])
		i++;
	if (i == UVF_DEVS)
		return uvf_fail(EMFILE, "a session has %d functions at most", UVF_DEVS);
	return i;
}

/* What was wrong at first is what matters. */
static int dev_discard(struct uvf_dev *dev, int err)
{
	char why[UVF_WHY_SIZE];

	strcpy(why, uvf_why());
	uvf_dev__close(dev);
	return uvf_fail(-err, "%s", why);
}

static int dev_make(struct uvf_dev **to, struct uvf *uvf, const char *name, int slot)
{
	struct uvf_dev *dev = calloc(1, sizeof(*dev));
	int err;

	if (!dev)
		return uvf_fail(ENOMEM, "no memory for %s", name);
	dev->uvf = uvf;
	dev->epoll = -1;
	uvf->devs[slot] = dev;
	err = dev_lease(dev, name);
	if (!err) {
		frames_share(uvf, slot + 1);
		dev_refill(dev);
		/* What it receives has room now, once the driver has seen it. */
		if (uvf->resumed || dev->unbound)
			dev_kick(dev);
		if (dev->unbound)
			err = dev_bind(dev);
	}
	if (err)
		return dev_discard(dev, err);
	*to = dev;
	return 0;
}

int uvf_dev__open(struct uvf_dev **to, struct uvf *uvf, const char *name)
{
	int slot, err;

	*to = NULL;
	slot = slot_find(uvf, name);
	if (slot < 0)
		return slot;
	/* Of a predecessor's rings that lead to memory which is not here, nothing can be had. */
	err = uvf->map_left ? uvf__map(uvf, NULL, 0, 0) : 0;
	if (err)
		return err;
	err = dev_make(to, uvf, name, slot);
	/* What a predecessor left is of no use, and given back by now: there are new sockets. */
	if (err == -EUCLEAN)
		err = dev_make(to, uvf, name, slot);
	return err;
}

/*
 * False: a uvfd that was killed, and has no successor yet, can't be waited for. The next one hears
 * of it; until then the kernel has frames.
 */
static bool dev_release(const struct uvf_dev *dev)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_RELEASE };
	struct uvf *uvf = dev->uvf;
	struct uvf_reply reply;
	int err;

	if (!dev->leased || uvf->orphan)
		return true;
	strcpy(request.function, dev->info.name);
	uvf->recheck = true;
	err = uvf_proto_call_within(uvf->mute ? 0 : RELEASE_MS, uvf->sock, &request, -1, &reply,
				    NULL);
	uvf->mute = err == -ETIMEDOUT;
	return !uvf->mute;
}

void uvf_dev__close(struct uvf_dev *dev)
{
	struct uvf *uvf;

	if (!dev)
		return;
	if (dev->of) {
		piece_close(dev);
		return;
	}
	uvf = dev->uvf;
	pieces_close(dev);
	for (unsigned int i = 0; i < dev->sources; i++)
		source_close(&dev->source[i]);
	epoll_close(dev);
	again_free(dev);
	/* With all ends of its sockets closed, their frames are nobody's. */
	if (dev_release(dev))
		for (unsigned int i = 0; i < dev->sources; i++)
			source_reclaim(uvf, &dev->source[i]);
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		if (uvf->devs[i] == dev)
			uvf->devs[i] = NULL;
	free(dev->source);
	free(dev->sent);
	free(dev);
}

const struct uvf_dev_info *uvf_dev__info(const struct uvf_dev *dev)
{
	return &dev->info;
}

int uvf_dev__fd(const struct uvf_dev *dev)
{
	return dev->epoll >= 0 ? dev->epoll : dev->source[0].fd;
}

static int source_count(const struct uvf_source *source, struct uvf_dev_stats *stats)
{
	struct xdp_statistics kernel = { 0 };
	socklen_t len = sizeof(kernel);

	if (getsockopt(source->fd, SOL_XDP, XDP_STATISTICS, &kernel, &len))
		return -errno;
	stats->rx_dropped += kernel.rx_dropped + kernel.rx_ring_full;
	stats->rx_ring_full += kernel.rx_ring_full;
	stats->rx_no_frame += kernel.rx_fill_ring_empty_descs;
	stats->tx_invalid += kernel.tx_invalid_descs;
	return 0;
}

int uvf_dev__stats(struct uvf_dev *dev, struct uvf_dev_stats *stats)
{
	int err = 0;

	*stats = dev->stats;
	for (unsigned int i = 0; !err && i < dev->sources; i++)
		err = source_count(&dev->source[i], stats);
	if (err)
		return uvf_fail(-err, "can't read the counters of %s: %s", dev->info.name,
				strerror(-err));
	return 0;
}
