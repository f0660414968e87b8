// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The packet path: bursts in and out, and sleeping when there are none. */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

_Static_assert(sizeof(struct uvf_frame) == sizeof(struct xdp_desc), "a frame is a descriptor");

/* Frames that the kernel sends for one call in copy mode (TX_BATCH_SIZE, net/xdp/xsk.c). */
#define TX_PER_CALL 32

static inline uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void dev_refill(struct uvf_dev *dev)
{
	struct uvf *uvf = dev->uvf;
	struct uvf_ring *fill = &dev->fill;
	uint32_t at = ring_ours(fill->producer);
	uint32_t most = least(fill->size, uvf->fill_most);
	/*
	 * Frames that wait to be read are lent too. With more than a ring of both, the kernel would
	 * copy frames into them and then drop them, for want of room in the receive ring.
	 */
	uint32_t lent = fill->size - ring_room(fill) + ring_filled(&dev->rx);
	uint32_t n;

	if (lent >= most)
		return;
	n = least(most - lent, uvf->free_count);
	if (!n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = uvf->free[--uvf->free_count];

		uvf->owner[number] = dev->owner;
		*ring_addr(fill, at + i) = frame_addr(uvf, number);
	}
	ring_publish(fill->producer, at + n);
}

void dev_reap(struct uvf_dev *dev)
{
	struct uvf_ring *done = &dev->done;
	uint32_t at = ring_ours(done->consumer);
	uint32_t n = ring_filled(done);

	if (!n)
		return;
	for (uint32_t i = 0; i < n; i++)
		frame_put(dev->uvf, frame_number(dev->uvf, *ring_addr(done, at + i)));
	ring_publish(done->consumer, at + n);
}

unsigned int uvf_dev__rx(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n)
{
	struct uvf_ring *rx = &dev->rx;
	struct uvf *uvf = dev->uvf;
	uint32_t at = ring_ours(rx->consumer);
	uint64_t bytes = 0;

	n = least(n, ring_filled(rx));
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = ring_desc(rx, at + i);

		frames[i] = (struct uvf_frame){ .addr = desc->addr, .len = desc->len };
		frame_own(uvf, desc->addr, OWNER_HELD);
		bytes += desc->len;
	}
	ring_publish(rx->consumer, at + n);
	dev->stats.rx_frames += n;
	dev->stats.rx_bytes += bytes;
	dev_reap(dev);
	dev_refill(dev);
	/* The kernel ran out of frames and has stopped: there are some again. */
	if (!n && ring_needs_wakeup(&dev->fill))
		recvfrom(dev->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	return n;
}

/* EAGAIN: a batch was sent and there is more. Anything else is for the next call. */
static void tx_kick(struct uvf_dev *dev, uint32_t n)
{
	for (uint32_t calls = n / TX_PER_CALL + 1; calls; calls--) {
		if (!ring_needs_wakeup(&dev->tx))
			return;
		if (sendto(dev->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno != EAGAIN)
			return;
	}
}

unsigned int uvf_dev__tx(struct uvf_dev *dev, const struct uvf_frame *frames, unsigned int n)
{
	struct uvf_ring *tx = &dev->tx;
	struct uvf *uvf = dev->uvf;
	uint32_t at = ring_ours(tx->producer);
	uint32_t room = ring_room(tx);
	uint64_t bytes = 0;

	dev_reap(dev);
	dev->wants_room = n > room;
	if (n > room) {
		dev->stats.tx_full += n - room;
		n = room;
	}
	for (uint32_t i = 0; i < n; i++) {
		*ring_desc(tx, at + i) = (struct xdp_desc){
			.addr = frames[i].addr,
			.len = frames[i].len,
		};
		frame_own(uvf, frames[i].addr, dev->owner);
		bytes += frames[i].len;
	}
	ring_publish(tx->producer, at + n);
	dev->stats.tx_frames += n;
	dev->stats.tx_bytes += bytes;
	tx_kick(dev, n + (tx->size - room));
	return n;
}

/* A function that was deleted leaves ENETDOWN on its socket. One is told of at a time. */
static int devs_recheck(struct uvf *uvf)
{
	for (unsigned int i = 0; i < UVF_DEVS; i++) {
		struct uvf_dev *dev = uvf->devs[i];
		socklen_t len = sizeof(int);
		int err = 0;

		if (!dev || dev->gone)
			continue;
		if (getsockopt(dev->fd, SOL_SOCKET, SO_ERROR, &err, &len) || !err)
			continue;
		dev->gone = true;
		return uvf_fail(ENODEV, "function %s is gone: %s", dev->info.name, strerror(err));
	}
	uvf->recheck = false;
	return 0;
}

/* Notices only say that something changed; what, the sockets tell. */
static int notices_read(struct uvf *uvf)
{
	struct uvf_reply notice;
	ssize_t got = recv(uvf->sock, &notice, sizeof(notice), MSG_DONTWAIT);

	if (got == sizeof(notice) && notice.status == -ESHUTDOWN) {
		uvf->orphan = true;
		return uvf_fail(ESHUTDOWN, "uvfd was stopped, and has taken the functions back");
	}
	if (got > 0) {
		uvf->recheck = true;
		return devs_recheck(uvf);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	uvf->orphan = true;
	return uvf_fail(EPIPE, "uvfd has died: the rings stay, but changes of functions are not "
			       "heard of until the appliance is started again");
}

/* Fills @fds; returns how many, or 0 when there is something to do without waiting. */
static unsigned int wait_prepare(struct uvf *uvf, struct pollfd *fds)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < UVF_DEVS; i++) {
		struct uvf_dev *dev = uvf->devs[i];

		if (!dev || dev->gone)
			continue;
		dev_reap(dev);
		dev_refill(dev);
		if (ring_filled(&dev->rx) || (dev->wants_room && ring_room(&dev->tx)))
			return 0;
		fds[n++] = (struct pollfd){
			.fd = dev->fd,
			.events = POLLIN | (dev->wants_room ? POLLOUT : 0),
		};
	}
	/* Last, and present when @uvf has lost its uvfd too: poll() passes over fd -1. */
	fds[n++] = (struct pollfd){ .fd = uvf->orphan ? -1 : uvf->sock, .events = POLLIN };
	return n;
}

int uvf__wait(struct uvf *uvf, int timeout_ms)
{
	struct pollfd fds[UVF_DEVS + 1];
	unsigned int n;
	int got;

	if (uvf->recheck) {
		got = devs_recheck(uvf);
		if (got)
			return got;
	}
	n = wait_prepare(uvf, fds);
	if (!n)
		return 1;
	got = poll(fds, n, timeout_ms);
	if (got < 0)
		return uvf_fail(errno, "poll: %s", strerror(errno));
	if (fds[n - 1].revents) {
		int err = notices_read(uvf);

		if (err)
			return err;
	}
	return got > 0;
}
