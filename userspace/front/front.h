/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface process of a function: a virtio-net device, by vhost-user. What its parts share.
 *
 *	loop		sleeps, wakes, and lets each lane run
 *	socket		the connection to the front-end
 *	message		what is said on it
 *	device		what was said: features, memory, rings, and what state that makes
 *	copy, shim	how frames get from a queue to a ring and back
 *	standby		another function's frames, while the guest drives this device
 *
 * All of it is one thread, and the packet path allocates nothing.
 */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include <uvf/libuvf.h>

#include <linux/virtio_net.h>

#include "carrier.h"
#include "counters.h"
#include "guest.h"
#include "inflight.h"
#include "message.h"
#include "vring.h"

#define BURST 64
#define HELD  1024 /* frames that may wait for one of the lanes that share a queue */

struct event;
struct event_base;
struct front;
struct lane;

/* A queue of the function. With more pairs than queues, several lanes share one. */
struct queue {
	struct uvf *uvf; /* the session, or the part that has this queue */
	struct uvf_dev *dev;
	struct event *readable;
	unsigned int lanes; /* that receive from it */
	struct lane *lane[FRONT_PAIRS];
};

/* --- datapath --------------------------------------------------------------------------------- */

/*
 * A way for frames between a lane's ring and its queue, in one direction. A lane is on one way from
 * start() to stop(); both are called while the ring runs and the memory is there, so that stop()
 * can give back all that it has.
 */
struct datapath {
	const char *name;
	int (*start)(struct lane *lane); /* -errno with a sentence: not this way */
	void (*stop)(struct lane *lane); /* nothing of the ring or its memory is used after this */
	/* Moves a burst at most. Returns how many frames; -errno: the ring is broken (ring.why). */
	int (*run)(struct lane *lane);
	/* It ran and found nothing: asks for notice before sleep. True: look again. */
	bool (*rest)(struct lane *lane);
	/* Awake: no notice is needed. */
	void (*wake)(struct lane *lane);
};

/* A chain that was popped: as much of it as vring_push() and vring_unpop() look at. */
struct taken {
	uint16_t id, descs;
	bool again;
};

/* A virtqueue and what is at its other end. */
struct lane {
	/* packet path */
	struct vring ring;
	const struct datapath *way; /* NULL: the ring does not run */
	struct queue *queue;
	struct front *front;
	struct front_ring *count;
	unsigned int first, frames;
	struct uvf_frame frame[HELD]; /* receiving: not yet delivered; sending: spare ones */
	bool waits; /* for buffers of the guest, or for room in the function */
	void *state; /* of the way */

	/* slow path */
	unsigned int index; /* of the virtqueue: even ones receive (Virtio 1.2, 5.1.2) */
	struct event *kick;
	bool kicked; /* SET_VRING_KICK was said: it may run… */
	bool opened; /* …once it was enabled */
};

static inline bool lane_receives(const struct lane *lane)
{
	return !(lane->index & 1);
}

struct front {
	/* packet path */
	struct lane lane[FRONT_RINGS];
	unsigned int lanes; /* two for each pair that is offered */
	unsigned int header; /* bytes of a frame's virtio header */
	uint64_t features; /* as negotiated */
	struct guest guest;
	uint32_t moved; /* frames, since this… */
	uint64_t since; /* …time */
	uint32_t pause_ns; /* 0: not so many that to be woken for each would be too often */
	struct front_counters *counters;
	struct queue queue[FRONT_PAIRS];
	unsigned int queues;

	/* guest memory as the UMEM: function.c, shim.h */
	bool mapped;
	uint32_t frame_max; /* bytes of the longest frame */
	unsigned int memories;
	struct uvf_memory memory[UVF_MEMORIES];
	uint8_t *memory_at[UVF_MEMORIES];
	uint64_t mapping[UVF_MEMORIES];
	struct shim *shim; /* of each lane */
	enum { SHIM_AUTO, SHIM_OFF, SHIM_REQUIRE } shim_wanted;
	char unmapped_why[FRONT_WHY];

	/* device */
	uint64_t offers; /* features */
	uint64_t protocol; /* features, as negotiated */
	uint8_t status;
	bool broken; /* needs reset: no ring runs */
	struct virtio_net_config config;
	struct inflight inflight;
	int backend_sock; /* requests of ours, or -1 */

	/* loop and socket */
	struct event_base *base;
	bool stop;
	int failed; /* -errno: it can't go on */
	int listener; /* -1: a client */
	int sock; /* -1: no front-end is connected */
	struct event *incoming; /* on the connection, or on what brings the next one */
	struct event *tick, *hurry;
	bool unwatched; /* the queues' sockets, while there are frames all the time */
	struct event *signals[2];
	struct uvf_carrier carrier; /* of the function's link */
	struct event *heard;
	struct message_input input;
	const char *path; /* of the socket */
	struct uvf *uvf;
	struct uvf_dev *dev; /* NULL: its sockets are closed, or not open yet */
	struct uvf_dev_info info;
	unsigned int function_queues;

	/* standby.c */
	const char *standby_of; /* a function; or NULL */
	bool has_mac; /* the guest's is another than the function's */
	uint8_t mac[6];
	bool took; /* its frames are ours now */
	bool standby_again; /* it may be asked for, if it is to be otherwise */
	unsigned int standby_grace; /* seconds that a predecessor's guest has to be back */
};

static inline bool front_has(const struct front *front, unsigned int feature)
{
	return front->features >> feature & 1;
}

static inline bool front_speaks(const struct front *front, unsigned int feature)
{
	return front->protocol >> feature & 1;
}

/* "fw0: …", on standard error */
__attribute__((format(printf, 2, 3))) void front_say(const struct front *front, const char *format,
						      ...);

/* --- function.c: the session with uvfd -------------------------------------------------------- */

/* For @pairs pairs (0: one for each of the function's queues). Queues are given to lanes. */
int function_open(struct front *front, unsigned int pairs);
void function_close(struct front *front);
/* Before a lane starts: its sockets are open, on guest memory where that is possible and wanted. */
int function_prepare(struct front *front);
/* Not on guest memory, from now on. */
void function_give_up(struct front *front);
/* Closes the sockets: the kernel writes nowhere any more. They are opened again by lanes_run(). */
void function_quiesce(struct front *front);
int function_reopen(struct front *front);
/* What came from @queue, for @lane; as held frames in lane->frame[]. How many there are now. */
unsigned int function_receive(struct lane *lane);

/* --- standby.c -------------------------------------------------------------------------------- */

/* @resumed: a predecessor's frames may be ours already. */
void standby_open(struct front *front, bool resumed);
/*
 * Takes the other function's frames, or gives them back, as the guest's driver is there or not.
 * When lanes have run: buffers that the driver has given are where they can be received into.
 */
void standby_settle(struct front *front);
/* A second has passed: what was not possible may be. */
void standby_tick(struct front *front);
/* Our sockets were closed: uvfd gave them back. */
void standby_lost(struct front *front);

/* --- lane.c ----------------------------------------------------------------------------------- */

/* Runs, if all that was said allows it. */
int lane_start(struct lane *lane);
/* Does not run until lane_start(), which goes on where it was. */
void lane_stop(struct lane *lane);
void lanes_stop(struct front *front);
int lanes_start(struct front *front);
/* While lanes run, in turn: how many frames were moved. */
unsigned int lanes_run(struct front *front);
/* True: there is something to do, do not sleep. */
bool lanes_rest(struct front *front);
void lanes_wake(struct front *front);

/* The next vring_pop() finds it again. In reverse order. */
void lane_unpop(struct lane *lane, const struct taken *taken);

extern const struct datapath copy_receive, copy_send, shim_receive, shim_send;

/* copy.c: one frame. 1: the guest has it, or never will; 0: it has no buffers; else it is broken */
int copy_deliver(struct lane *lane, const struct uvf_frame *frame);
void copy_read(const struct lane *lane, const struct vring_chain *chain,
	       const struct uvf_frame *frame);

/* --- device.c --------------------------------------------------------------------------------- */

void device_init(struct front *front);
/* As after power-on: nothing negotiated, no ring, no memory. */
void device_reset(struct front *front);
/* -EPROTO with a sentence: the connection is to be closed. */
int device_message(struct front *front, struct message *message);
/* A guest broke the rules: no ring runs until it has reset the device. */
void device_break(struct front *front, const char *why);

/* The function's link has come up, or gone down, or is as it was. */
void device_link(struct front *front, bool up);

/* --- carrier.c -------------------------------------------------------------------------------- */

/* Tells device_link() of the link, now and whenever it changes. */
int carrier_open(struct front *front);
void carrier_close(struct front *front);

/* --- socket.c --------------------------------------------------------------------------------- */

int socket_open(struct front *front);
void socket_close(struct front *front);
/* The session with the front-end ends; another one may begin. */
void socket_drop(struct front *front, const char *why);

/* --- loop.c ----------------------------------------------------------------------------------- */

int loop_open(struct front *front);
int loop_run(struct front *front);
void loop_close(struct front *front);
/* Sleeps no longer than a millisecond the next time: there is something no descriptor tells of. */
void loop_hurry(struct front *front);
/* Wakes when the ring's kick tells so; nothing, when it has none. */
int loop_watch_kick(struct lane *lane);
/* Wakes when frames came. */
int loop_watch_queues(struct front *front);
void loop_forget_queues(struct front *front);
void loop_forget_kick(struct lane *lane);
/* Calls @call when @fd is readable, until loop_forget(). NULL with a sentence. */
struct event *loop_watch(struct front *front, int fd, void (*call)(int fd, short what, void *arg),
			 void *arg);
/* NULL is allowed. */
void loop_forget(struct event **event);

#endif /* FRONT_FRONT_H */
