// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests, from the user's system call to the interface process and back.
 *
 * A request lies on the stack of who waits for it; one that is posted, in an array. Whoever changes
 * its state holds the queue's lock; who waits takes it out of its list under that lock before he
 * leaves.
 *
 *	state	in which list	who sees it next
 *	queued	queued		the process, by read()
 *	taken	taken		the process, by write(); its successor, by read() (it is queued
 *		again)
 *	done	none		who waits
 *	done	spare		who posts next
 *
 * Nobody waits with a lock held. Who waits is woken by a reply, by the end of his time, by the end
 * of the hope for a successor, or when he is killed.
 */
#include "requests.h"

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

/* What a process that is well needs is a thousandth of it. */
#define SETTLE_MS 100

enum state { QUEUED, TAKEN, DONE };

struct request {
	struct list_head node;
	struct uvf_vfio_request *message;
	enum state state;
	bool posted;
	bool answered;
	u32 error;
	struct completion done;
};

struct uvf_posted {
	struct request request;
	struct uvf_vfio_request message;
};

void uvf_requests_untake(struct uvf_requests *requests, const struct uvf_vfio_request *messages,
		      unsigned int nr)
{
	struct request *request, *next;
	unsigned int i;

	spin_lock(&requests->lock);
	list_for_each_entry_safe_reverse(request, next, &requests->taken, node)
		for (i = 0; i < nr; i++)
			if (request->message->id == messages[i].id) {
				request->state = QUEUED;
				list_move(&request->node, &requests->queued);
			}
	spin_unlock(&requests->lock);
}

static void finish(struct uvf_requests *requests, struct request *request)
{
	request->state = DONE;
	list_del_init(&request->node);
	if (!request->posted) {
		complete(&request->done);
		return;
	}
	list_add(&request->node, &requests->spare);
	if (!--requests->nr_posted)
		wake_up(&requests->settled);
}

static void finish_all(struct uvf_requests *requests)
{
	struct request *request, *next;

	lockdep_assert_held(&requests->lock);
	list_for_each_entry_safe(request, next, &requests->taken, node)
		finish(requests, request);
	list_for_each_entry_safe(request, next, &requests->queued, node)
		finish(requests, request);
}

/* --- the user's side ---------------------------------------------------------------------- */

static bool is_open(const struct uvf_requests *requests)
{
	return requests->serving ? !requests->stuck : requests->expected;
}

static void put(struct uvf_requests *requests, struct request *request)
{
	lockdep_assert_held(&requests->lock);
	request->state = QUEUED;
	request->message->id = requests->next_id++;
	list_move_tail(&request->node, &requests->queued);
}

static bool put_if_open(struct uvf_requests *requests, struct request *request)
{
	bool open;

	spin_lock(&requests->lock);
	open = is_open(requests);
	if (open)
		put(requests, request);
	spin_unlock(&requests->lock);
	return open;
}

/* Behind it, nobody else has the request. */
static void withdraw(struct uvf_requests *requests, struct request *request, bool timed_out)
{
	spin_lock(&requests->lock);
	if (request->state != DONE) {
		list_del(&request->node);
		if (timed_out && requests->serving)
			requests->stuck = true;
	}
	spin_unlock(&requests->lock);
}

int uvf_requests_ask(struct uvf_requests *requests, struct uvf_vfio_request *message)
{
	struct request request = { .message = message };
	long left;

	INIT_LIST_HEAD(&request.node);
	init_completion(&request.done);
	if (!put_if_open(requests, &request))
		return -ETIMEDOUT;
	wake_up_interruptible(&requests->readers);
	left = wait_for_completion_killable_timeout(&request.done, READ_ONCE(requests->timeout));
	withdraw(requests, &request, !left);
	if (request.answered)
		return -(int)request.error;
	return left < 0 ? -EINTR : -ETIMEDOUT;
}

int uvf_requests_post(struct uvf_requests *requests, const struct uvf_vfio_request *message)
{
	struct uvf_posted *posted;
	int err = 0;

	spin_lock(&requests->lock);
	posted = list_first_entry_or_null(&requests->spare, struct uvf_posted, request.node);
	if (!is_open(requests)) {
		err = -ETIMEDOUT;
	} else if (!posted) {
		err = -EBUSY;
	} else {
		posted->message = *message;
		put(requests, &posted->request);
		requests->nr_posted++;
	}
	spin_unlock(&requests->lock);
	if (!err)
		wake_up_interruptible(&requests->readers);
	return err;
}

static bool is_settled(struct uvf_requests *requests)
{
	bool settled;

	spin_lock(&requests->lock);
	settled = !requests->nr_posted || !requests->serving || requests->stuck;
	spin_unlock(&requests->lock);
	return settled;
}

void uvf_requests_settle(struct uvf_requests *requests)
{
	wait_event_timeout(requests->settled, is_settled(requests), msecs_to_jiffies(SETTLE_MS));
}

static void drop_posted(struct uvf_requests *requests, struct list_head *list)
{
	struct request *request, *next;

	list_for_each_entry_safe(request, next, list, node)
		if (request->posted)
			finish(requests, request);
}

void uvf_requests_tell_closed(struct uvf_requests *requests)
{
	spin_lock(&requests->lock);
	/* What was posted is for a device that is reset now; a reply to it is for nobody. */
	drop_posted(requests, &requests->queued);
	drop_posted(requests, &requests->taken);
	requests->closed = requests->serving;
	spin_unlock(&requests->lock);
	wake_up_interruptible(&requests->readers);
}

/* --- the process's side ------------------------------------------------------------------- */

bool uvf_requests_has(struct uvf_requests *requests)
{
	bool has;

	spin_lock(&requests->lock);
	has = requests->closed || !list_empty(&requests->queued);
	spin_unlock(&requests->lock);
	return has;
}

unsigned int uvf_requests_take(struct uvf_requests *requests, struct uvf_vfio_request *messages,
			    unsigned int max)
{
	struct request *request, *next;
	unsigned int nr = 0;

	spin_lock(&requests->lock);
	requests->stuck = false;
	/* Older than whatever a user asks who opens it next. */
	if (requests->closed)
		messages[nr++] = (struct uvf_vfio_request){
			.id = requests->next_id++,
			.type = UVF_VFIO_RESET,
			.value = UVF_VFIO_RESET_CLOSED,
		};
	requests->closed = false;
	list_for_each_entry_safe(request, next, &requests->queued, node) {
		if (nr == max)
			break;
		messages[nr++] = *request->message;
		request->state = TAKEN;
		list_move_tail(&request->node, &requests->taken);
	}
	spin_unlock(&requests->lock);
	return nr;
}

static struct request *find(const struct uvf_requests *requests, u32 id)
{
	struct request *request;

	list_for_each_entry(request, &requests->taken, node)
		if (request->message->id == id)
			return request;
	return NULL;
}

void uvf_requests_answer(struct uvf_requests *requests, const struct uvf_vfio_reply *replies,
		      unsigned int nr)
{
	unsigned int i;

	spin_lock(&requests->lock);
	requests->stuck = false;
	for (i = 0; i < nr; i++) {
		struct request *request = find(requests, replies[i].id);

		/* It came too late, or is for nothing that was ever asked. */
		if (!request)
			continue;
		request->message->value = replies[i].value;
		request->error = min_t(u32, replies[i].error, MAX_ERRNO);
		request->answered = true;
		finish(requests, request);
	}
	spin_unlock(&requests->lock);
}

/* --- who serves --------------------------------------------------------------------------- */

void uvf_requests_serve(struct uvf_requests *requests, u32 timeout_ms, u32 linger_ms)
{
	cancel_delayed_work_sync(&requests->expire);
	spin_lock(&requests->lock);
	requests->timeout = msecs_to_jiffies(timeout_ms);
	requests->linger = msecs_to_jiffies(linger_ms);
	requests->serving = true;
	requests->stuck = false;
	requests->closed = false;
	requests->expected = false;
	spin_unlock(&requests->lock);
	wake_up_interruptible(&requests->readers);
}

void uvf_requests_vacate(struct uvf_requests *requests, bool for_good)
{
	struct request *request;

	spin_lock(&requests->lock);
	if (requests->serving)
		requests->expected = requests->linger;
	requests->serving = false;
	if (for_good)
		requests->expected = false;
	if (requests->expected) {
		list_for_each_entry(request, &requests->taken, node) {
			request->state = QUEUED;
			request->message->flags |= UVF_VFIO_AGAIN;
		}
		/* They are older than what is queued. */
		list_splice_init(&requests->taken, &requests->queued);
		mod_delayed_work(system_wq, &requests->expire, requests->linger);
	} else {
		finish_all(requests);
	}
	spin_unlock(&requests->lock);
	wake_up_interruptible_all(&requests->readers);
}

static void expire(struct work_struct *work)
{
	struct uvf_requests *requests = container_of(work, struct uvf_requests, expire.work);

	spin_lock(&requests->lock);
	if (!requests->serving) {
		requests->expected = false;
		finish_all(requests);
	}
	spin_unlock(&requests->lock);
}

int uvf_requests_init(struct uvf_requests *requests)
{
	struct uvf_posted *posted;
	unsigned int i;

	spin_lock_init(&requests->lock);
	INIT_LIST_HEAD(&requests->queued);
	INIT_LIST_HEAD(&requests->taken);
	INIT_LIST_HEAD(&requests->spare);
	init_waitqueue_head(&requests->readers);
	init_waitqueue_head(&requests->settled);
	INIT_DELAYED_WORK(&requests->expire, expire);
	requests->posted = kcalloc(UVF_VFIO_POSTED_MAX, sizeof(*posted), GFP_KERNEL);
	if (!requests->posted)
		return -ENOMEM;
	for (i = 0; i < UVF_VFIO_POSTED_MAX; i++) {
		posted = &requests->posted[i];
		posted->request.message = &posted->message;
		posted->request.posted = true;
		list_add_tail(&posted->request.node, &requests->spare);
	}
	return 0;
}

void uvf_requests_exit(struct uvf_requests *requests)
{
	cancel_delayed_work_sync(&requests->expire);
	kfree(requests->posted);
}
