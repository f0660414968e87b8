// SPDX-License-Identifier: GPL-2.0-only
/*
 * libuvf, as far as uvf-vfio calls it, and the link's carrier. A frame is free or held; the
 * sanitizer sees who touches one that he does not hold, or what is behind its end.
 */
#include "played_vfio.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "nic.h"

#define FRAMES 192
#define SIZE 2048u
#define HEADROOM 256u
#define ROOM (SIZE - HEADROOM)

struct uvf {
	bool held[FRAMES], received[FRAMES];
	unsigned int holds;
};

struct uvf_dev {
	struct uvf_dev_info info;
};

static uint8_t area[FRAMES][SIZE] __attribute__((aligned(4096)));
static struct uvf *session;
static struct uvf_dev device;
static struct front_vfio counted; /* when it was looked at last */
static bool link_told, link_up;

static unsigned int frame_of(const struct uvf_frame *frame)
{
	assert(frame->addr / SIZE < FRAMES && frame->addr % SIZE == HEADROOM);
	return frame->addr / SIZE;
}

static unsigned int held_frame(const struct uvf *uvf, const struct uvf_frame *frame)
{
	unsigned int i = frame_of(frame);

	assert(uvf == session && uvf->held[i]);
	return i;
}

/* @len: bytes that may be touched. */
static bool hold(struct uvf_frame *frame, uint32_t len)
{
	unsigned int i = 0;

	while (i < FRAMES && session->held[i])
		i++;
	if (i == FRAMES)
		return false;
	session->held[i] = true;
	session->holds++;
	ASAN_UNPOISON_MEMORY_REGION(area[i] + HEADROOM, len);
	*frame = (struct uvf_frame){ .addr = (uint64_t)i * SIZE + HEADROOM };
	return true;
}

static void let_go(unsigned int i)
{
	session->held[i] = session->received[i] = false;
	session->holds--;
	ASAN_POISON_MEMORY_REGION(area[i], SIZE);
}

/* --- life ------------------------------------------------------------------------------------- */

int uvf__open(struct uvf **uvf, const struct uvf_opts *opts)
{
	assert(!session && !opts);
	if (played_fails(FAILS_OPEN))
		return -errno;
	session = calloc(1, sizeof(*session));
	assert(session);
	played.received = played.sent = 0;
	memset(&counted, 0, sizeof(counted));
	link_told = false;
	ASAN_POISON_MEMORY_REGION(area, sizeof(area));
	*uvf = session;
	return 0;
}

void uvf__close(struct uvf *uvf)
{
	assert(uvf == session);
	free(session);
	session = NULL;
}

int uvf_dev__open(struct uvf_dev **dev, struct uvf *uvf, const char *name)
{
	assert(uvf == session && !strcmp(name, "fw0"));
	device.info = (struct uvf_dev_info){
		.name = "fw0",
		.mac = { 2, 0, 0, 0, 0, 1 },
		.mtu = PLAYED_MTU,
		.ifindex = 7,
		.frame_max = ROOM,
	};
	*dev = &device;
	return 0;
}

const struct uvf_dev_info *uvf_dev__info(const struct uvf_dev *dev)
{
	return &dev->info;
}

int uvf_dev__fd(const struct uvf_dev *dev)
{
	return FD_FRAMES;
}

const char *uvf__why(void)
{
	return "it is played so";
}

int uvf__wait(struct uvf *uvf, int timeout_ms)
{
	assert(uvf == session && !timeout_ms);
	played_meanwhile();
	return played_fails(FAILS_WAIT) ? -errno : 0;
}

/* --- frames ----------------------------------------------------------------------------------- */

static void fill(const struct uvf_frame *frame)
{
	const uint32_t head = sizeof(played.frame_bytes);
	uint8_t *bytes = area[frame_of(frame)] + HEADROOM;

	memset(bytes, 0x5a, frame->len);
	memcpy(bytes, played.frame_bytes, frame->len < head ? frame->len : head);
}

unsigned int uvf_dev__rx(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n)
{
	unsigned int got = 0;

	played_meanwhile();
	for (; got < n && played.frames && hold(&frames[got], played.frame_len); got++) {
		frames[got].len = played.frame_len;
		session->received[frame_of(&frames[got])] = true;
		fill(&frames[got]);
		played.frames--;
		played.received++;
	}
	return got;
}

/* What is sent is the sender's to its end. */
static void send(const struct uvf_frame *frame)
{
	uint8_t *bytes = uvf__data(session, frame);

	assert(!frame->options && frame->len && frame->len <= uvf__room(session, frame));
	assert(frame->len <= PLAYED_MTU + 18);
	assert(!__asan_region_is_poisoned(bytes, frame->len));
	let_go(frame_of(frame));
}

unsigned int uvf_dev__tx(struct uvf_dev *dev, const struct uvf_frame *frames, unsigned int n)
{
	unsigned int sent = 0;

	played_meanwhile();
	assert(n && n <= BURST);
	for (; sent < n && played.tx_room; sent++) {
		send(&frames[sent]);
		played.sent++;
		if (played.tx_room != UINT32_MAX)
			played.tx_room--;
	}
	return sent;
}

unsigned int uvf__alloc(struct uvf *uvf, struct uvf_frame *frames, unsigned int n)
{
	assert(uvf == session && n == 1);
	played_meanwhile();
	if (!played.alloc_room || !hold(frames, ROOM))
		return 0;
	if (played.alloc_room != UINT32_MAX)
		played.alloc_room--;
	return 1;
}

void uvf__free(struct uvf *uvf, const struct uvf_frame *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		let_go(held_frame(uvf, &frames[i]));
}

void *uvf__data(const struct uvf *uvf, const struct uvf_frame *frame)
{
	unsigned int i = held_frame(uvf, frame);

	if (uvf->received[i]) /* between two frames, as between all that the NIC does */
		played_memory_check();
	return area[i] + HEADROOM;
}

uint32_t uvf__room(const struct uvf *uvf, const struct uvf_frame *frame)
{
	held_frame(uvf, frame);
	return ROOM;
}

/* --- who holds what --------------------------------------------------------------------------- */

static void found(bool *seen, const struct uvf_frame *frame)
{
	unsigned int i = held_frame(session, frame);

	assert(!seen[i]);
	seen[i] = true;
}

void played_session_check(void)
{
	unsigned int n = front.rx_count - front.rx_next + front.tx_count + front.has_room;
	bool seen[FRAMES] = { false };

	assert(front.rx_next <= front.rx_count && front.rx_count <= BURST &&
	       front.tx_count <= BURST);
	for (unsigned int i = front.rx_next; i < front.rx_count; i++)
		found(seen, &front.rx[i]);
	for (unsigned int i = 0; i < front.tx_count; i++)
		found(seen, &front.tx[i]);
	if (front.has_room)
		found(seen, &front.room);
	assert(session->holds == n);
}

/* What a script drops may be of either direction. */
void played_counters_check(void)
{
	const struct front_vfio *now = front.counters;
	uint64_t in = played.received - (front.rx_count - front.rx_next);
	uint64_t known = now->rx_frames + now->rx_filtered + now->rx_long + now->rx_off +
			 now->rx_dropped;

	assert(now->tx_frames == played.sent + front.tx_count);
	assert(known <= in && in <= known + now->script_dropped);
	assert(now->tx_bytes >= counted.tx_bytes && now->rx_bytes >= counted.rx_bytes);
	assert(now->reads >= counted.reads && now->writes >= counted.writes);
	assert(now->interrupts >= counted.interrupts && now->resets >= counted.resets);
	counted = *now;
	if (!link_told)
		return;
	assert(front.nic->up == link_up && now->link == link_up);
	assert(!front.next || front.next->up == link_up);
}

void played_session_ended(void)
{
	assert(!session);
}

/* --- the link --------------------------------------------------------------------------------- */

int uvf_carrier_open(struct uvf_carrier *carrier, int ifindex, void (*tell)(void *ctx, bool up),
		     void *ctx)
{
	assert(ifindex == 7);
	if (played_fails(FAILS_OPEN))
		return -errno;
	*carrier = (struct uvf_carrier){ (struct nl_sock *)&device, ifindex, tell, ctx };
	return 0;
}

void uvf_carrier_close(struct uvf_carrier *carrier)
{
	assert(carrier->sock);
	carrier->sock = NULL;
}

int uvf_carrier_fd(const struct uvf_carrier *carrier)
{
	assert(carrier->sock);
	return FD_CARRIER;
}

void uvf_carrier_read(struct uvf_carrier *carrier)
{
	for (unsigned int i = 0; i < played.links; i++) {
		link_told = true;
		link_up = played.link[i];
		carrier->tell(carrier->ctx, link_up);
	}
	played.links = 0;
}
