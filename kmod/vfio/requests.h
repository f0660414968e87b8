/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests of the user, on their way to the interface process and back. */
#ifndef UVF_REQUESTS_H
#define UVF_REQUESTS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/uvf_vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* How many requests or replies a system call takes at a time. */
#define UVF_REQUESTS_BATCH 16

struct uvf_posted;

struct uvf_requests {
	spinlock_t lock;
	struct list_head queued; /* the oldest first */
	struct list_head taken;	 /* that the process has read */
	struct list_head spare;	 /* posted ones that are not under way */
	struct uvf_posted *posted;
	unsigned int nr_posted; /* under way */
	wait_queue_head_t settled;
	wait_queue_head_t readers;
	u32 next_id;
	bool serving; /* somebody reads */
	bool stuck;   /* ... who let a request's time pass, and has not been heard of since */
	bool expected; /* nobody does, but a successor may come */
	bool closed;   /* the user has closed the device, which the process is not told yet */
	unsigned long timeout;
	unsigned long linger;
	struct delayed_work expire;
};

int uvf_requests_init(struct uvf_requests *requests);
/* No request is under way any more. */
void uvf_requests_exit(struct uvf_requests *requests);

/* Somebody serves from now on; nobody does any more, and may have a successor, or not. */
void uvf_requests_serve(struct uvf_requests *requests, u32 timeout_ms, u32 linger_ms);
void uvf_requests_vacate(struct uvf_requests *requests, bool for_good);

/*
 * The user's side: asks, and waits for the reply, whose value goes into the message. -ETIMEDOUT:
 * there was none, or nobody who could give one. -EINTR: the caller is being killed. Else the error
 * of the reply.
 */
int uvf_requests_ask(struct uvf_requests *requests, struct uvf_vfio_request *message);

/*
 * A write that nobody waits for: 0. -EBUSY: too many are under way; ask instead. -ETIMEDOUT: it is
 * lost, for there is nobody who could carry it out.
 */
int uvf_requests_post(struct uvf_requests *requests, const struct uvf_vfio_request *message);

/* The user closes the device: what was posted has a moment to be carried out. */
void uvf_requests_settle(struct uvf_requests *requests);
/* He has closed it. Nobody waits: he may be being killed. */
void uvf_requests_tell_closed(struct uvf_requests *requests);

/* The process's side. How many there were; some that were taken go back. */
unsigned int uvf_requests_take(struct uvf_requests *requests, struct uvf_vfio_request *messages,
			    unsigned int max);
void uvf_requests_untake(struct uvf_requests *requests, const struct uvf_vfio_request *messages,
		      unsigned int nr);
void uvf_requests_answer(struct uvf_requests *requests, const struct uvf_vfio_reply *replies,
		      unsigned int nr);
bool uvf_requests_has(struct uvf_requests *requests);

#endif /* UVF_REQUESTS_H */
