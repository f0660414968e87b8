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

static void source_refill(struct uvf *uvf, struct uvf_source *source, uint32_t share)
{
	struct uvf_ring *fill = &source->fill;
	uint32_t at = ring_ours(fill->producer);
	uint32_t most = least(fill->size, share);
	/*
	 * Frames that wait to be read are lent too. With more than a ring of both, the kernel would
	 * copy frames into them and then drop them, for want of room in the receive ring.
	 */
	uint32_t lent = fill->size - ring_room(fill) + ring_filled(&source->rx);
	uint32_t n;

	if (lent >= most)
		return;
	n = least(most - lent, uvf->free_count);
	if (!n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = uvf->free[--uvf->free_count];
		struct uvf_place *place = &uvf->place[number];

		place->order = at + i;
		place->source = source->number;
		place_set(place, PLACE_FILLING);
		*ring_addr(fill, at + i) = frame_addr(uvf, number);
		if (uvf->meta_rx)
			meta_wipe(uvf, number);
	}
	ring_publish(fill->producer, at + n);
}

void dev_refill(struct uvf_dev *dev)
{
	if (dev->uvf->frame_max)
		return;
	for (unsigned int i = 0; i < dev->sources; i++)
		source_refill(dev->uvf, &dev->source[i], dev->share);
}

static void source_reap(struct uvf_dev *dev, struct uvf_source *source)
{
	struct uvf_ring *done = &source->done;
	uint32_t at = ring_ours(done->consumer);
	uint32_t n = ring_filled(done);
	struct uvf *uvf = dev->uvf;

	if (!n)
		return;
	if (uvf->asked)
		sent_collect(dev, source, at, n);
	for (uint32_t i = 0; i < n; i++)
		frame_put(uvf, frame_number(uvf, *ring_addr(done, at + i)));
	ring_publish(done->consumer, at + n);
}

void dev_reap(struct uvf_dev *dev)
{
	if (dev->uvf->frame_max)
		return;
	for (unsigned int i = 0; i < dev->sources; i++)
		source_reap(dev, &dev->source[i]);
}

static unsigned int source_rx(struct uvf_dev *dev, const struct uvf_source *source,
			      struct uvf_frame *frames, unsigned int n)
{
	const struct uvf_ring *rx = &source->rx;
	uint32_t at = ring_ours(rx->consumer);
	uint64_t bytes = 0;

	n = least(n, ring_filled(rx));
	for (uint32_t i = 0; i < n; i++) {
		frames[i] = frame_of(ring_desc(rx, at + i));
		place_receive(dev->uvf, source, &frames[i]);
		bytes += frames[i].len;
	}
	ring_publish(rx->consumer, at + n);
	dev->stats.rx_frames += n;
	dev->stats.rx_bytes += bytes;
	return n;
}

/* What the predecessor held. Not counted: it was received before. */
static unsigned int rx_again(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n)
{
	unsigned int got = again_look(dev, frames, n);

	if (!got && n)
		again_drop(dev);
	again_take(dev, got);
	return got;
}

/* The kernel ran out of frames and has stopped: there are some again. */
static void wake(const struct uvf_dev *dev)
{
	for (unsigned int i = 0; i < dev->sources; i++)
		if (ring_needs_wakeup(&dev->source[i].fill))
			recvfrom(dev->source[i].fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

unsigned int uvf_dev__rx(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n)
{
	unsigned int got = 0;

	if (__builtin_expect(dev->agains, 0))
		return rx_again(dev, frames, n);
	/* Those behind the one that filled the burst come first the next time. */
	for (unsigned int i = 0; i < dev->sources && got < n; i++) {
		const struct uvf_source *source = &dev->source[dev->next];

		got += dev->uvf->jumbo ? jumbo_rx(dev, source, frames + got, n - got, !got) :
					 source_rx(dev, source, frames + got, n - got);
		if (++dev->next == dev->sources)
			dev->next = 0;
	}
	dev_reap(dev);
	dev_refill(dev);
	if (!got)
		wake(dev);
	return got;
}

/* EAGAIN: a batch was sent and there is more. Anything else is for the next call. */
static void tx_kick(const struct uvf_source *source, uint32_t n)
{
	for (uint32_t calls = n / TX_PER_CALL + 1; calls; calls--) {
		if (!ring_needs_wakeup(&source->tx))
			return;
		if (sendto(source->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno != EAGAIN)
			return;
	}
}

/* What a predecessor left to be done in the kernel. */
void dev_kick(struct uvf_dev *dev)
{
	for (unsigned int i = 0; i < dev->sources; i++) {
		const struct uvf_ring *tx = &dev->source[i].tx;

		tx_kick(&dev->source[i], tx->size - ring_room(tx));
	}
	wake(dev);
}

/* Writes the entries behind the producer, and returns how many. */
static unsigned int source_tx(struct uvf_dev *dev, const struct uvf_source *source,
			      const struct uvf_frame *frames, unsigned int n)
{
	const struct uvf_ring *tx = &source->tx;
	struct uvf *uvf = dev->uvf;
	uint32_t at = ring_ours(tx->producer);
	uint32_t room = ring_room(tx);
	uint64_t bytes = 0;

	dev->wants_room = n > room;
	if (n > room) {
		dev->stats.tx_full += n - room;
		n = room;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct uvf_place *place = frame_place(uvf, frames[i].addr);
		bool asked = frames[i].options & uvf->asked;

		*ring_desc(tx, at + i) = (struct xdp_desc){
			.addr = frames[i].addr,
			.len = frames[i].len,
			.options = asked ? ask_apply(uvf, source, &frames[i], 1) : 0,
		};
		place->flags = asked ? PLACE_ASKED : 0;
		place->offset = frames[i].addr & frame_mask(uvf);
		place->len = frames[i].len;
		place->order = at + i;
		place->source = source->number;
		place_set(place, PLACE_SENDING);
		bytes += frames[i].len;
	}
	dev->stats.tx_frames += n;
	dev->stats.tx_bytes += bytes;
	return n;
}

unsigned int uvf_dev__tx(struct uvf_dev *dev, const struct uvf_frame *frames, unsigned int n)
{
	struct uvf_source *source = &dev->source[dev->tx];
	struct uvf_ring *tx = &source->tx;
	uint32_t waiting = tx->size - ring_room(tx);

	dev_reap(dev);
	n = dev->uvf->jumbo ? jumbo_tx(dev, source, frames, n) : source_tx(dev, source, frames, n);
	ring_publish(tx->producer, ring_ours(tx->producer) + n);
	tx_kick(source, n + waiting);
	return n;
}

/* A function that was deleted leaves ENETDOWN on its socket. One is told of at a time. */
static int dev_error(const struct uvf_dev *dev)
{
	for (unsigned int i = 0; i < dev->sources; i++) {
		socklen_t len = sizeof(int);
		int err = 0;

		if (!getsockopt(dev->source[i].fd, SOL_SOCKET, SO_ERROR, &err, &len) && err)
			return err;
	}
	return 0;
}

static int devs_recheck(struct uvf *uvf)
{
	for (unsigned int i = 0; i < UVF_DEVS; i++) {
		struct uvf_dev *dev = uvf->devs[i];
		int err;

		if (!dev || dev->gone)
			continue;
		err = dev_error(dev);
		if (!err)
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

bool dev_ready(const struct uvf_dev *dev)
{
	for (unsigned int i = 0; i < dev->sources; i++)
		if (ring_filled(&dev->source[i].rx))
			return true;
	return dev->agains || (dev->wants_room &&
			       ring_room(&dev->source[dev->tx].tx) >= dev->wants_room);
}

static unsigned int dev_prepare(const struct uvf_dev *dev, struct pollfd *fds)
{
	for (unsigned int i = 0; i < dev->sources; i++)
		fds[i] = (struct pollfd){
			.fd = dev->source[i].fd,
			.events = POLLIN | (dev->wants_room && i == dev->tx ? POLLOUT : 0),
		};
	return dev->sources;
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
		if (dev_ready(dev))
			return 0;
		n += dev_prepare(dev, fds + n);
	}
	/* Last, and present when @uvf has lost its uvfd too: poll() passes over fd -1. */
	fds[n++] = (struct pollfd){ .fd = uvf->orphan ? -1 : uvf->sock, .events = POLLIN };
	return n;
}

int uvf__wait(struct uvf *uvf, int timeout_ms)
{
	struct pollfd fds[UVF_DEVS * UVF_PROTO_SOURCES + 1];
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
	if (uvf->busy_us && timeout_ms) {
		got = busy_wait(uvf);
		if (got > 0)
			return 1;
		if (!got)
			timeout_ms = 0;
	}
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
