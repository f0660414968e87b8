// SPDX-License-Identifier: GPL-2.0-only
/* A device is found, told of memory and rings, stopped, reset, and found again. */
#include "vhost_client.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const struct timespec moment = { .tv_nsec = 20000000 };

/* --- the connection ----------------------------------------------------------------------- */

int device_listen(struct client *client)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	strcpy(at.sun_path, client->path);
	unlink(client->path);
	client->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(client->listener, (void *)&at, sizeof(at)) || listen(client->listener, 1))
		return fail(client, "can't listen at %s: %s", client->path, strerror(errno));
	return 0;
}

static int connect_once(struct client *client)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (client->serves)
		return accept4(client->listener, NULL, NULL, SOCK_CLOEXEC);
	strcpy(at.sun_path, client->path);
	client->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!connect(client->sock, (void *)&at, sizeof(at)))
		return client->sock;
	close(client->sock);
	return -1;
}

int device_connect(struct client *client, int patience_ms)
{
	double until = now() + patience_ms / 1000.0;

	memset(client->memory.told, 0, sizeof(client->memory.told));
	do {
		client->sock = connect_once(client);
		client->gone = client->sock < 0;
		if (!client->gone)
			return 0;
		nanosleep(&moment, NULL);
	} while (now() < until);
	return fail(client, "nobody at %s", client->path);
}

void device_close(struct client *client)
{
	if (client->sock >= 0)
		close(client->sock);
	if (client->backend >= 0)
		close(client->backend);
	client->sock = client->backend = -1;
	client->gone = true;
}

/* --- features ----------------------------------------------------------------------------- */

static int ask_u64(struct client *client, uint32_t request, uint64_t *value)
{
	struct message message = { .request = request };

	if (message_ask(client, &message, NULL))
		return -1;
	*value = message.u64;
	return message.size == 8 ? 0 : fail(client, "message %u: a reply of %u bytes", request,
					    message.size);
}

/* What is wanted and offered. */
static void choose(struct client *client)
{
	uint64_t wanted = 1ULL << VIRTIO_F_VERSION_1 | 1 << VIRTIO_NET_F_MAC | 1 << F_PROTOCOL |
			  1 << VIRTIO_NET_F_STATUS | 1 << VIRTIO_NET_F_MTU;

	if (client->packed)
		wanted |= 1ULL << VIRTIO_F_RING_PACKED;
	if (client->event_idx)
		wanted |= 1ULL << VIRTIO_RING_F_EVENT_IDX;
	if (client->indirect)
		wanted |= 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	if (client->mergeable)
		wanted |= 1ULL << VIRTIO_NET_F_MRG_RXBUF;
	if (client->pairs > 1)
		wanted |= 1ULL << VIRTIO_NET_F_MQ;
	if (client->log)
		wanted |= 1ULL << VHOST_F_LOG_ALL;
	client->features = client->offered & wanted;
}

static int missing_feature(struct client *client)
{
	static const char *const what[64] = { [VIRTIO_F_VERSION_1] = "VERSION_1",
		[VIRTIO_F_RING_PACKED] = "RING_PACKED", [VIRTIO_RING_F_EVENT_IDX] = "EVENT_IDX",
		[VIRTIO_RING_F_INDIRECT_DESC] = "INDIRECT_DESC",
		[VIRTIO_NET_F_MRG_RXBUF] = "MRG_RXBUF", [VHOST_F_LOG_ALL] = "LOG_ALL" };
	bool wanted[64] = { [VIRTIO_F_VERSION_1] = true, [VIRTIO_F_RING_PACKED] = client->packed,
		[VIRTIO_RING_F_EVENT_IDX] = client->event_idx,
		[VIRTIO_RING_F_INDIRECT_DESC] = client->indirect,
		[VIRTIO_NET_F_MRG_RXBUF] = client->mergeable, [VHOST_F_LOG_ALL] = client->log };

	for (unsigned int i = 0; i < 64; i++)
		if (wanted[i] && !has(client->offered, i))
			return fail(client, "the device does not offer %s", what[i]);
	return 0;
}

static int choose_protocol(struct client *client)
{
	uint64_t wanted = 1 << F_MQ | 1 << F_LOG_SHMFD | 1 << F_REPLY_ACK | 1 << F_MTU |
			  1 << F_BACKEND_REQ | 1 << F_CONFIG | 1 << F_RESET_DEVICE | 1 << F_STATUS;
	uint64_t pairs = 1;

	if (client->inflight)
		wanted |= 1 << F_INFLIGHT_SHMFD;
	if (client->slots)
		wanted |= 1 << F_MEM_SLOTS;
	if (ask_u64(client, GET_PROTOCOL_FEATURES, &client->protocol_offered))
		return -1;
	if (message_u64(client, SET_PROTOCOL_FEATURES, client->protocol_offered & wanted))
		return -1;
	client->protocol = client->protocol_offered & wanted;
	if (has(client->protocol, F_MQ) && ask_u64(client, GET_QUEUE_NUM, &pairs))
		return -1;
	client->max_pairs = pairs;
	if (client->pairs > pairs)
		return fail(client, "the device has %u pairs", client->max_pairs);
	if (client->slots && !has(client->protocol, F_MEM_SLOTS))
		return fail(client, "the device has no memory slots");
	if (client->inflight && !has(client->protocol, F_INFLIGHT_SHMFD))
		return fail(client, "the device does not track what is in flight");
	return 0;
}

static int backend_channel(struct client *client)
{
	struct message message = { .request = SET_BACKEND_REQ_FD };
	int fds[2], status;

	if (!has(client->protocol, F_BACKEND_REQ))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return fail(client, "no socket pair");
	client->backend = fds[0];
	status = message_do(client, &message, &fds[1], 1);
	close(fds[1]);
	return status;
}

int device_features(struct client *client)
{
	struct message owner = { .request = SET_OWNER };

	client->protocol = 0;
	if (ask_u64(client, GET_FEATURES, &client->offered))
		return -1;
	choose(client);
	if (missing_feature(client))
		return -1;
	if (has(client->features, F_PROTOCOL) && choose_protocol(client))
		return -1;
	return message_do(client, &owner, NULL, 0) || backend_channel(client) ? -1 : 0;
}

/* --- memory ------------------------------------------------------------------------------- */

static struct region region_of(const struct memory *memory, unsigned int i)
{
	size_t at = i * memory->region_size;

	return (struct region){ .guest = GUEST_BASE + at, .user = USER_BASE + at,
				.size = memory->region_size };
}

static int tell_slot(struct client *client, uint32_t request, unsigned int i)
{
	struct message message = { .request = request, .size = sizeof(message.slot),
				   .slot.region = region_of(&client->memory, i) };

	client->memory.told[i] = request == ADD_MEM_REG;
	return message_do(client, &message, &client->memory.fd[i], request == ADD_MEM_REG);
}

static int tell_table(struct client *client)
{
	struct message message = { .request = SET_MEM_TABLE };
	struct memory *memory = &client->memory;
	unsigned int n = 0;
	int fds[REGIONS];

	for (unsigned int i = 0; i < memory->regions; i++) {
		if (!memory->known[i])
			continue;
		message.table.region[n] = region_of(memory, i);
		fds[n++] = memory->fd[i];
	}
	message.table.count = n;
	message.size = 8 + n * sizeof(struct region);
	return message_do(client, &message, fds, n);
}

/* A reset leaves a device its memory, as QEMU expects of it. */
static int tell_memory(struct client *client)
{
	if (!client->slots)
		return tell_table(client);
	for (unsigned int i = 0; i < client->memory.regions; i++)
		if (client->memory.known[i] && !client->memory.told[i] &&
		    tell_slot(client, ADD_MEM_REG, i))
			return -1;
	return 0;
}

int device_forget(struct client *client, unsigned int region)
{
	client->memory.known[region] = false;
	return client->slots ? tell_slot(client, REM_MEM_REG, region) : tell_table(client);
}

int device_remember(struct client *client, unsigned int region)
{
	client->memory.known[region] = true;
	return client->slots ? tell_slot(client, ADD_MEM_REG, region) : tell_table(client);
}

/* Of new rings nothing is in flight. */
static void inflight_drop(struct client *client)
{
	if (client->inflight_fd >= 0)
		close(client->inflight_fd);
	client->inflight_fd = -1;
}

int device_make(struct client *client)
{
	struct memory *memory = &client->memory;
	size_t size = 64 << 12; /* for what is aligned */

	for (unsigned int i = 0; client->slots && i < memory->regions; i++)
		if (memory->told[i] && tell_slot(client, REM_MEM_REG, i))
			return -1;
	memory_free(memory);
	inflight_drop(client);
	size += 2 * client->pairs * (16 << 12);
	size += 2 * client->pairs * client->num *
		(client->size + SEND_SIZE + client->guard + TABLE_SIZE);
	if (memory_make(memory, client->regions, size))
		return fail(client, "no memory for a guest");
	for (unsigned int i = 0; i < memory->regions; i++)
		memory->known[i] = true;
	for (unsigned int i = 0; i < 2 * client->pairs; i++) {
		struct ring *ring = &client->ring[i];

		memset(ring, 0, sizeof(*ring));
		ring->index = i;
		ring->num = client->num;
		ring->packed = client->packed;
		ring->event_idx = client->event_idx;
		ring->indirect = client->indirect && i % 2; /* what is received needs no table */
		if (ring_make(ring, memory, i % 2 ? SEND_SIZE : client->size, client->guard))
			return fail(client, "no memory for ring %u", i);
	}
	return 0;
}

/* --- what is in flight -------------------------------------------------------------------- */

/* Asked for once; the same area is given to those that come after. */
static int inflight_ask(struct client *client)
{
	struct message message = { .request = GET_INFLIGHT_FD, .size = sizeof(message.inflight),
		.inflight = { .queues = 2 * client->pairs, .num = client->num } };

	if (message_ask(client, &message, &client->inflight_fd))
		return -1;
	client->region = message.inflight;
	if (client->inflight_fd < 0 || message.size != sizeof(message.inflight) ||
	    !client->region.size)
		return fail(client, "the device gave no area for what is in flight");
	return 0;
}

static int inflight_tell(struct client *client)
{
	struct message message = { .request = SET_INFLIGHT_FD, .size = sizeof(message.inflight) };

	if (!has(client->protocol, F_INFLIGHT_SHMFD))
		return 0;
	if (client->inflight_fd < 0 && inflight_ask(client))
		return -1;
	message.inflight = client->region;
	message.inflight.queues = 2 * client->pairs;
	message.inflight.num = client->num;
	return message_do(client, &message, &client->inflight_fd, 1);
}

/* --- rings -------------------------------------------------------------------------------- */

static int tell_fd(struct client *client, uint32_t request, unsigned int index, int fd)
{
	struct message message = { .request = request, .size = 8,
				   .u64 = index | (fd < 0 ? NO_FD : 0) };

	return message_do(client, &message, &fd, fd >= 0);
}

static int tell_addr(struct client *client, struct ring *ring)
{
	const struct memory *memory = &client->memory;
	struct message message = { .request = SET_VRING_ADDR, .size = sizeof(message.addr),
		.addr = { .index = ring->index,
			  .flags = client->log ? 1 << VHOST_VRING_F_LOG : 0,
			  .desc_user_addr = memory_user(memory, ring->desc),
			  .avail_user_addr = memory_user(memory, ring->driver),
			  .used_user_addr = memory_user(memory, ring->device),
			  .log_guest_addr = memory_guest(memory, ring->device) } };

	return message_do(client, &message, NULL, 0);
}

/* vhost-user, Ring states: it starts when its kick is there, and with a kick. */
int device_start_ring(struct client *client, struct ring *ring, uint32_t base)
{
	if (message_state(client, SET_VRING_NUM, ring->index, ring->num) ||
	    message_state(client, SET_VRING_BASE, ring->index, base) ||
	    tell_addr(client, ring) ||
	    tell_fd(client, SET_VRING_ERR, ring->index, ring->err) ||
	    tell_fd(client, SET_VRING_CALL, ring->index, ring->call) ||
	    tell_fd(client, SET_VRING_KICK, ring->index, ring->kick))
		return -1;
	ring->started = true;
	ring_kick(ring);
	return 0;
}

int device_stop_ring(struct client *client, struct ring *ring, uint32_t *base)
{
	struct message message = { .request = GET_VRING_BASE, .size = sizeof(message.state),
				   .state = { ring->index, 0 } };

	if (message_ask(client, &message, NULL))
		return -1;
	*base = message.state.num;
	ring->started = false;
	return message.state.index == ring->index ? 0 : fail(client, "the base of another ring");
}

int device_enable(struct client *client, struct ring *ring, bool enable)
{
	ring->enabled = enable;
	if (!has(client->features, F_PROTOCOL))
		return 0;
	return message_state(client, SET_VRING_ENABLE, ring->index, enable);
}

/*
 * Where a device goes on that is gone: with what is behind the last that was used. Of a packed
 * ring the device's own position is told as well (SET_VRING_BASE: bits 16 to 31).
 */
uint32_t device_base(const struct ring *ring)
{
	uint16_t at = ring->next_used | (ring->used_wrap ? 1 << 15 : 0);

	return ring->packed ? at | at << 16 : ring->next_used;
}

static int tell_status(struct client *client, uint64_t status)
{
	return has(client->protocol, F_STATUS) ? message_u64(client, SET_STATUS, status) : 0;
}

int device_tell(struct client *client)
{
	const uint64_t found = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	const uint64_t agreed = found | VIRTIO_CONFIG_S_FEATURES_OK;

	if (tell_status(client, found) || message_u64(client, SET_FEATURES, client->features) ||
	    tell_status(client, agreed) || tell_memory(client) || inflight_tell(client))
		return -1;
	if (client->log && device_log(client, true))
		return -1;
	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		if (device_start_ring(client, &client->ring[i], device_base(&client->ring[i])))
			return -1;
	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		if (device_enable(client, &client->ring[i], true))
			return -1;
	return tell_status(client, agreed | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* The driver in the guest notices nothing of it. */
/* Who is about to end may be connected to yet: then the next one is the one. */
int device_resume(struct client *client, int patience_ms)
{
	double until = now() + patience_ms / 1000.0;

	do {
		device_close(client);
		if (device_connect(client, (until - now()) * 1000))
			return -1;
		if (!device_features(client) && !device_tell(client))
			return 0;
	} while (client->gone && now() < until);
	return -1;
}

/* The guest boots again: all rings stop, and its next driver begins with new ones. */
int device_reset(struct client *client)
{
	struct message message = { .request = RESET_DEVICE };
	uint32_t base;

	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		if (device_enable(client, &client->ring[i], false) ||
		    device_stop_ring(client, &client->ring[i], &base))
			return -1;
	if (tell_status(client, 0))
		return -1;
	if (has(client->protocol, F_RESET_DEVICE) && message_do(client, &message, NULL, 0))
		return -1;
	inflight_drop(client);
	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		ring_reset(&client->ring[i]);
	return 0;
}

/* --- dirty pages: vhost-user, Migration --------------------------------------------------- */

int device_log(struct client *client, bool on)
{
	uint64_t end = GUEST_BASE + client->memory.regions * client->memory.region_size;
	struct message message = { .request = SET_LOG_BASE, .size = sizeof(message.log) };

	if (!client->dirty) {
		client->dirty_size = end / VHOST_PAGE_SIZE / 8 + 1;
		client->dirty_fd = memfd_create("log", MFD_CLOEXEC);
		if (ftruncate(client->dirty_fd, client->dirty_size))
			return fail(client, "no memory for a log");
		client->dirty = mmap(NULL, client->dirty_size, PROT_READ | PROT_WRITE, MAP_SHARED,
				     client->dirty_fd, 0);
		client->written = calloc(1, client->dirty_size);
	}
	message.log.size = client->dirty_size;
	if (message_send(client, &message, &client->dirty_fd, 1))
		return -1;
	return message_answer(client, &message, NULL);
}
