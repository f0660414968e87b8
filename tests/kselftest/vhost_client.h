/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other side of vhost-user, from the specifications alone: a front-end, and the driver of a
 * virtio network device. See vhost_client.c for what it can be told.
 *
 *   vhost_client.c          commands, and what becomes of them
 *   vhost_client_message.c  messages of the front-end
 *   vhost_client_device.c   features, memory and rings made known; stop, reset, connect again
 *   vhost_client_ring.c     what split and packed rings share; memory
 *   vhost_client_split.c    Virtio 1.2, 2.7
 *   vhost_client_packed.c   Virtio 1.2, 2.8
 *   vhost_client_net.c      Virtio 1.2, 5.1: frames with numbers
 *   vhost_client_evil.c     what a driver must not do
 *   vhost_client_nonsense.c what a front-end must not say
 */
#ifndef VHOST_CLIENT_H
#define VHOST_CLIENT_H

#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "numbered.h"

#define PAIRS 8
#define RINGS (2 * PAIRS)
#define RING_MAX 1024
#define CHAIN_MAX 64
#define REGIONS 8
#define SEND_SIZE 2048
#define TABLE_SIZE (CHAIN_MAX * sizeof(struct vring_desc))

/* The three addresses of a byte differ: ours, the guest's, and that which we say is ours. */
#define GUEST_BASE 0x140000000ULL
#define USER_BASE 0x7b0000000000ULL

/* --- memory: regions, one behind the other, each a file of its own ------------------------- */

struct memory {
	uint8_t *base, *next;
	unsigned int regions;
	size_t region_size;
	int fd[REGIONS];
	bool known[REGIONS]; /* to the device, */
	bool told[REGIONS]; /* which was told of it in this connection */
};

int memory_make(struct memory *memory, unsigned int regions, size_t size);
void memory_free(struct memory *memory);
void *memory_take(struct memory *memory, size_t size, size_t align);
uint64_t memory_guest(const struct memory *memory, const void *at);
uint64_t memory_user(const struct memory *memory, const void *at);

/* --- rings --------------------------------------------------------------------------------- */

struct part {
	void *at;
	uint32_t len;
};

/* A chain that the device has, by its id. */
struct slot {
	bool busy;
	uint16_t buffer;
	uint16_t descs;
	uint32_t room; /* that the device may write */
};

struct buffers {
	uint8_t *at;
	uint8_t *tables; /* of indirect descriptors, one for each buffer */
	unsigned int count, free, stride, size;
	uint16_t stack[RING_MAX];
};

struct ring {
	struct memory *memory;
	unsigned int index, num;
	bool packed, event_idx, indirect, started, enabled;
	int kick, call, err;

	/* split: descriptors, available ring, used ring; packed: ring, driver's event, device's */
	void *desc, *driver, *device;

	uint16_t next_avail, next_used; /* split: free running; packed: positions */
	bool avail_wrap, used_wrap;
	uint16_t added; /* descriptors (packed) or chains (split) since the last kick */
	unsigned int free;
	uint16_t free_head, next[RING_MAX];
	struct slot slot[RING_MAX];
	struct buffers buffers;

	unsigned long kicks, calls, chains, wrong;
	const char *why; /* what was wrong last */
};

struct ring_ops {
	/* Returns the chain's id. */
	int (*add)(struct ring *ring, const struct part *part, unsigned int outs, unsigned int ins);
	void (*publish)(struct ring *ring); /* a packed ring's chains are available at once */
	bool (*wants_kick)(struct ring *ring);
	bool (*take)(struct ring *ring, uint32_t *id, uint32_t *len);
	void (*release)(struct ring *ring, uint16_t id);
	void (*want_calls)(struct ring *ring, bool want, unsigned int after);
};

extern const struct ring_ops split_ring, packed_ring;

int ring_make(struct ring *ring, struct memory *memory, unsigned int size, unsigned int guard);
void ring_reset(struct ring *ring);
int ring_add(struct ring *ring, const struct part *part, unsigned int outs, unsigned int ins,
	     uint16_t buffer);
void ring_publish(struct ring *ring); /* and kick, if the device wants it */
void ring_kick(struct ring *ring);
bool ring_take(struct ring *ring, uint16_t *buffer, uint32_t *len);
void ring_want_calls(struct ring *ring, bool want, unsigned int after);
void ring_complain(struct ring *ring, const char *why);
unsigned int ring_in_flight(const struct ring *ring);

int buffer_take(struct ring *ring);
void buffer_give(struct ring *ring, uint16_t buffer);
uint8_t *buffer_at(const struct ring *ring, uint16_t buffer);
bool buffer_guarded(const struct ring *ring, uint16_t buffer);

/* --- messages ------------------------------------------------------------------------------ */

enum vhost_user_request {
	GET_FEATURES = 1, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE, SET_LOG_BASE,
	SET_LOG_FD, SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK,
	SET_VRING_CALL, SET_VRING_ERR, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM,
	SET_VRING_ENABLE, SEND_RARP, NET_SET_MTU, SET_BACKEND_REQ_FD, GET_CONFIG = 24, SET_CONFIG,
	GET_INFLIGHT_FD = 31, SET_INFLIGHT_FD, RESET_DEVICE = 34, GET_MAX_MEM_SLOTS = 36,
	ADD_MEM_REG, REM_MEM_REG, SET_STATUS, GET_STATUS,
};

enum vhost_user_feature {
	F_MQ = 0, F_LOG_SHMFD = 1, F_REPLY_ACK = 3, F_MTU = 4, F_BACKEND_REQ = 5, F_CONFIG = 9,
	F_INFLIGHT_SHMFD = 12, F_RESET_DEVICE = 13, F_MEM_SLOTS = 15, F_STATUS = 16,
};

#define F_PROTOCOL 30 /* VHOST_USER_F_PROTOCOL_FEATURES */

#define FLAG_VERSION 1
#define FLAG_REPLY 4
#define FLAG_NEED_REPLY 8
#define NO_FD 0x100

struct region {
	uint64_t guest, size, user, offset;
};

struct inflight {
	uint64_t size, offset;
	uint16_t queues, num;
};

struct message {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct { uint32_t count, padding; struct region region[REGIONS]; } table;
		struct { uint64_t padding; struct region region; } slot;
		struct { uint64_t size, offset; } log;
		struct { uint32_t offset, size, flags; uint8_t bytes[256]; } config;
		struct inflight inflight;
		uint8_t bytes[4096];
	};
} __attribute__((packed));

#define MESSAGE_HEADER offsetof(struct message, u64)

struct client {
	/* what was asked for */
	bool packed, event_idx, indirect, mergeable, inflight, slots, split_header, log;
	unsigned int pairs, num, regions, size, guard, parts;
	/* the connection */
	char path[108];
	bool serves;
	int listener, sock, backend; /* backend: requests of the device arrive there */
	uint64_t offered, features, protocol_offered, protocol;
	unsigned int max_pairs, changes;
	bool gone; /* it hung up */
	/* the device */
	struct memory memory;
	struct ring ring[RINGS];
	struct inflight region;
	int inflight_fd;
	uint8_t *dirty, *written; /* pages: what the device logged; what it wrote, as we know */
	size_t dirty_size;
	int dirty_fd;
	struct numbered_tally tally;
	char why[256];
};

int fail(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool has(uint64_t features, unsigned int bit);

int message_send(struct client *client, struct message *message, const int *fds, unsigned int n);
int message_answer(struct client *client, struct message *message, int *fd);
int message_ask(struct client *client, struct message *message, int *fd);
int message_do(struct client *client, struct message *message, const int *fds, unsigned int n);
int message_u64(struct client *client, uint32_t request, uint64_t value);
int message_state(struct client *client, uint32_t request, unsigned int index, uint32_t num);
void message_backend(struct client *client);
bool message_hung_up(struct client *client);

/* --- the device ---------------------------------------------------------------------------- */

int device_connect(struct client *client, int patience_ms);
int device_listen(struct client *client);
int device_features(struct client *client);
int device_make(struct client *client); /* memory and rings, anew */
int device_tell(struct client *client); /* all of it, to a device that knows nothing */
int device_start_ring(struct client *client, struct ring *ring, uint32_t base);
int device_stop_ring(struct client *client, struct ring *ring, uint32_t *base);
int device_enable(struct client *client, struct ring *ring, bool enable);
int device_resume(struct client *client, int patience_ms);
int device_reset(struct client *client);
int device_forget(struct client *client, unsigned int region);
int device_remember(struct client *client, unsigned int region);
int device_log(struct client *client, bool on);
void device_close(struct client *client);
uint32_t device_base(const struct ring *ring);

/* --- frames -------------------------------------------------------------------------------- */

struct traffic {
	unsigned int send, first, size, rate, expect, idle_ms, after, window;
	bool hold; /* what was received is not given to the device again */
	int pair; /* -1: all of them */
	bool poll, reconnect, nowait, until_input;
	uint8_t to[6], from[6];
	/* so far */
	unsigned int sent, completed, reconnected;
	double began, last;
};

int net_run(struct client *client, struct traffic *traffic);
void net_post(struct client *client, struct ring *ring, unsigned int most);
void net_wrote(struct client *client, const void *at, size_t len);
double now(void);

/* --- evil ---------------------------------------------------------------------------------- */

int evil_do(struct client *client, struct ring *ring, const char *name);
const char *evil_name(unsigned int i); /* NULL: there are no more */
int nonsense_say(struct client *client, const char *name);
const char *nonsense_name(unsigned int i);

#endif
