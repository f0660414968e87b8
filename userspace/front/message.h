/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the vhost-user protocol ("vhost-user" below is docs/interop/vhost-user.rst of QEMU,
 * which is its specification).
 *
 * The front-end is the program that has the guest's memory (QEMU, DPDK). It is not believed: each
 * message is checked for its size and its descriptors before anybody looks into it.
 */
#ifndef FRONT_MESSAGE_H
#define FRONT_MESSAGE_H

#include <stdint.h>
#include <stddef.h>

/* vhost-user, Front-end message types */
enum message_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_NET_SET_MTU = 20,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_REQUESTS
};

/* vhost-user, Back-end message types */
#define VHOST_USER_BACKEND_CONFIG_CHANGE_MSG 2

/* vhost-user, Protocol features */
#define VHOST_USER_PROTOCOL_F_MQ		  0
#define VHOST_USER_PROTOCOL_F_LOG_SHMFD		  1
#define VHOST_USER_PROTOCOL_F_REPLY_ACK		  3
#define VHOST_USER_PROTOCOL_F_MTU		  4
#define VHOST_USER_PROTOCOL_F_BACKEND_REQ	  5
#define VHOST_USER_PROTOCOL_F_CONFIG		  9
#define VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD	  12
#define VHOST_USER_PROTOCOL_F_RESET_DEVICE	  13
#define VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS 15
#define VHOST_USER_PROTOCOL_F_STATUS		  16

/* vhost-user, Header */
#define MESSAGE_VERSION	     1u
#define MESSAGE_VERSION_MASK 3u
#define MESSAGE_REPLY	     (1u << 2)
#define MESSAGE_NEED_REPLY   (1u << 3)

/* In the payload of SET_VRING_KICK, _CALL and _ERR */
#define MESSAGE_VRING_INDEX 0xffu
#define MESSAGE_NO_FD	    0x100u

#define MESSAGE_REGIONS 8
#define MESSAGE_CONFIG	256

struct message_state {
	uint32_t index;
	uint32_t num;
};

struct message_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

/* In message_addr.flags */
#define MESSAGE_ADDR_LOG 1u

struct message_region {
	uint64_t guest;
	uint64_t size;
	uint64_t user;
	uint64_t offset;
};

struct message_memory {
	uint32_t count;
	uint32_t pad;
	struct message_region region[MESSAGE_REGIONS];
};

struct message_slot {
	uint64_t pad;
	struct message_region region;
};

struct message_log {
	uint64_t size;
	uint64_t offset;
};

struct message_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t data[MESSAGE_CONFIG];
};

struct message_inflight {
	uint64_t size;
	uint64_t offset;
	uint16_t queues;
	uint16_t queue_size;
};

struct message_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

struct message {
	struct message_header head;
	union {
		uint64_t u64;
		struct message_state state;
		struct message_addr addr;
		struct message_memory memory;
		struct message_slot slot;
		struct message_log log;
		struct message_config config;
		struct message_inflight inflight;
		uint8_t bytes[1];
	};
	unsigned int fds;
	int fd[MESSAGE_REGIONS]; /* -1: somebody has it */
};

/* One message as it comes in, perhaps in pieces. Begins as zeros. */
struct message_input {
	struct message message;
	size_t got; /* bytes of header and payload */
};

/*
 * Takes what @sock has, without waiting. 1: @in->message is whole and checked; 0: more is to come.
 * -EPIPE: the front-end has closed it; -EPROTO, with a sentence: this is not the protocol.
 */
int message_receive(int sock, struct message_input *in);
/* For the next one. Closes the descriptors that nobody has taken. */
void message_done(struct message_input *in);
/* Takes the first descriptor out of @message; -1 where there is none. */
int message_take_fd(struct message *message);

/* The payload is in @message, of @head.size bytes; @fd goes with it unless it is -1. */
int message_reply(int sock, struct message *message, int fd);
/* A request of ours, without payload and without an answer. */
int message_notify(int sock, uint32_t request);

/* "SET_VRING_NUM"; "request 99" */
const char *message_name(uint32_t request);

#endif /* FRONT_MESSAGE_H */
