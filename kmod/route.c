// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes: an eventfd into a vector, and a vector out to an eventfd.
 *
 * In: who writes to the eventfd wakes its wait queue, where we have an entry, and that raises the
 * vector. The wake-up comes under the eventfd's lock, where no other eventfd may be signalled, and
 * what is raised may signal one: so it is raised from an irq_work, when the lock has been let go.
 *
 * Out: a hook of the vector signals the eventfd. Its wait queue tells when it is closed.
 *
 * An eventfd is used in one direction only. Else a vector could raise itself, for ever.
 *
 * A route goes with the socket that made it, with its eventfd, its vector or its function's netdev:
 * unpublished under the mutex, then waited for, then freed.
 */
#include "route.h"
#include "compat/compat.h"
#include "function.h"

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/poll.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/uvf.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct uvf_route {
	struct list_head node;
	struct uvf_route_key key;
	struct uvf_route_owner owner;
	struct eventfd_ctx *eventfd;

	wait_queue_head_t *head;
	wait_queue_entry_t wait;
	poll_table poll;
	bool closed;

	struct irq_work raise;	  /* in */
	struct uvf_irq_hook hook; /* out */
};

/* Below RTNL. */
static DEFINE_MUTEX(lock);
static LIST_HEAD(routes);

static bool key_equal(const struct uvf_route_key *a, const struct uvf_route_key *b)
{
	return a->function == b->function && a->vector == b->vector &&
	       a->direction == b->direction;
}

static bool owner_equal(const struct uvf_route_owner *a, const struct uvf_route_owner *b)
{
	return a->net == b->net && a->portid == b->portid;
}

static struct uvf_route *find(const struct uvf_route_key *key)
{
	struct uvf_route *route;

	lockdep_assert_held(&lock);
	list_for_each_entry(route, &routes, node)
		if (key_equal(&route->key, key))
			return route;
	return NULL;
}

/* --- at work ------------------------------------------------------------------------------ */

static void reap(struct work_struct *work);
static DECLARE_WORK(reaper, reap);

static void raise(struct irq_work *work)
{
	struct uvf_route *route = container_of(work, struct uvf_route, raise);

	/* Without a vector, while the driver is not bound, it is lost: as an interrupt would be. */
	rcu_read_lock();
	uvf_irq_raise(route->key.function, route->key.vector);
	rcu_read_unlock();
}

static void delivered(struct uvf_irq_hook *hook)
{
	uvf_compat_eventfd_signal(container_of(hook, struct uvf_route, hook)->eventfd);
}

/* Under the eventfd's lock, with interrupts off. */
static int woken(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct uvf_route *route = container_of(wait, struct uvf_route, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN && route->key.direction == UVF_ROUTE_DIRECTION_IN) {
		eventfd_ctx_do_read(route->eventfd, &count);
		irq_work_queue(&route->raise);
	}
	if (events & EPOLLHUP) {
		WRITE_ONCE(route->closed, true);
		schedule_work(&reaper);
	}
	return 0;
}

/* --- the ends of a route ------------------------------------------------------------------ */

static void detach(struct uvf_route *route, struct list_head *dying)
{
	lockdep_assert_held(&lock);
	list_move(&route->node, dying);
	if (route->key.direction == UVF_ROUTE_DIRECTION_OUT)
		uvf_irq_set_hook(route->key.function, route->key.vector, NULL);
	remove_wait_queue(route->head, &route->wait);
}

static void destroy(struct list_head *dying)
{
	struct uvf_route *route, *next;
	bool hooked = false;

	list_for_each_entry(route, dying, node)
		hooked |= route->key.direction == UVF_ROUTE_DIRECTION_OUT;
	if (hooked)
		synchronize_rcu();
	list_for_each_entry_safe(route, next, dying, node) {
		irq_work_sync(&route->raise);
		eventfd_ctx_put(route->eventfd);
		kfree(route);
	}
}

static void reap(struct work_struct *work)
{
	struct uvf_route *route, *next;
	LIST_HEAD(dying);

	mutex_lock(&lock);
	list_for_each_entry_safe(route, next, &routes, node)
		if (READ_ONCE(route->closed))
			detach(route, &dying);
	mutex_unlock(&lock);
	destroy(&dying);
}

void uvf_route_trim(struct uvf_function *function, unsigned int nr)
{
	struct uvf_route *route, *next;
	LIST_HEAD(dying);

	ASSERT_RTNL();
	mutex_lock(&lock);
	list_for_each_entry_safe(route, next, &routes, node)
		if (route->key.function == function && route->key.vector >= nr)
			detach(route, &dying);
	mutex_unlock(&lock);
	destroy(&dying);
}

static void owner_gone(const struct uvf_route_owner *owner)
{
	struct uvf_route *route, *next;
	LIST_HEAD(dying);

	mutex_lock(&lock);
	list_for_each_entry_safe(route, next, &routes, node)
		if (owner_equal(&route->owner, owner))
			detach(route, &dying);
	mutex_unlock(&lock);
	destroy(&dying);
}

static int netlink_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *socket = data;
	const struct uvf_route_owner owner = { .net = socket->net, .portid = socket->portid };

	if (event == NETLINK_URELEASE && socket->protocol == NETLINK_GENERIC)
		owner_gone(&owner);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_notifier = { .notifier_call = netlink_event };

int uvf_route_del(const struct uvf_route_key *key, const struct uvf_route_owner *owner,
		  struct netlink_ext_ack *extack)
{
	struct uvf_route *route;
	LIST_HEAD(dying);
	int err = 0;

	mutex_lock(&lock);
	route = find(key);
	if (!route) {
		NL_SET_ERR_MSG_MOD(extack, "the vector has no route in this direction");
		err = -ENOENT;
	} else if (!owner_equal(&route->owner, owner)) {
		NL_SET_ERR_MSG_MOD(extack, "the route is another socket's; it goes when that is closed");
		err = -EPERM;
	} else {
		detach(route, &dying);
	}
	mutex_unlock(&lock);
	destroy(&dying);
	return err;
}

/* --- making one --------------------------------------------------------------------------- */

static int check(const struct uvf_route *route, struct netlink_ext_ack *extack)
{
	const struct uvf_route *other;

	if (find(&route->key)) {
		NL_SET_ERR_MSG_MOD(extack, "the vector has a route in this direction; it goes when its owner closes the socket or the eventfd");
		return -EBUSY;
	}
	list_for_each_entry(other, &routes, node) {
		if (other->eventfd != route->eventfd)
			continue;
		if (other->key.direction != route->key.direction) {
			NL_SET_ERR_MSG_MOD(extack, "the eventfd is routed in the other direction, and a vector could raise itself; use two");
			return -ELOOP;
		}
		if (route->key.direction == UVF_ROUTE_DIRECTION_IN) {
			NL_SET_ERR_MSG_MOD(extack, "the eventfd raises another vector, and a write would reach only one of them; use two");
			return -EBUSY;
		}
	}
	return 0;
}

static void hang_on(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct uvf_route *route = container_of(table, struct uvf_route, poll);

	route->head = head;
	add_wait_queue(head, &route->wait);
}

static void attach(struct uvf_route *route, struct file *file)
{
	__poll_t events;

	lockdep_assert_held(&lock);
	list_add_tail(&route->node, &routes);
	if (route->key.direction == UVF_ROUTE_DIRECTION_OUT)
		uvf_irq_set_hook(route->key.function, route->key.vector, &route->hook);
	init_poll_funcptr(&route->poll, hang_on);
	events = vfs_poll(file, &route->poll);
	/* Written before it was routed: that counts. */
	if (events & EPOLLIN && route->key.direction == UVF_ROUTE_DIRECTION_IN)
		irq_work_queue(&route->raise);
}

static struct uvf_route *route_create(const struct uvf_route_key *key,
				      const struct uvf_route_owner *owner, struct file *file,
				      struct netlink_ext_ack *extack)
{
	struct uvf_route *route = kzalloc(sizeof(*route), GFP_KERNEL_ACCOUNT);
	struct eventfd_ctx *eventfd;

	if (!route)
		return ERR_PTR(-ENOMEM);
	eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(eventfd)) {
		NL_SET_ERR_MSG_MOD(extack, "the descriptor is not an eventfd's");
		kfree(route);
		return ERR_CAST(eventfd);
	}
	route->key = *key;
	route->owner = *owner;
	route->eventfd = eventfd;
	route->hook.delivered = delivered;
	init_irq_work(&route->raise, raise);
	init_waitqueue_func_entry(&route->wait, woken);
	return route;
}

static int add_file(const struct uvf_route_key *key, const struct uvf_route_owner *owner,
		    struct file *file, struct netlink_ext_ack *extack)
{
	struct uvf_route *route = route_create(key, owner, file, extack);
	int err;

	if (IS_ERR(route))
		return PTR_ERR(route);
	mutex_lock(&lock);
	err = check(route, extack);
	if (!err)
		attach(route, file);
	mutex_unlock(&lock);
	if (err) {
		eventfd_ctx_put(route->eventfd);
		kfree(route);
	}
	return err;
}

int uvf_route_add(const struct uvf_route_key *key, const struct uvf_route_owner *owner,
		  unsigned int fd, struct netlink_ext_ack *extack)
{
	struct file *file;
	int err;

	ASSERT_RTNL();
	if (key->vector >= uvf_irq_nr(key->function)) {
		NL_SET_ERR_MSG_MOD(extack, "the function has no such vector; it has one, and one for each queue");
		return -ERANGE;
	}
	file = fget(fd);
	if (!file) {
		NL_SET_ERR_MSG_MOD(extack, "the descriptor is not open");
		return -EBADF;
	}
	err = add_file(key, owner, file, extack);
	fput(file);
	return err;
}

u32 uvf_route_portid(const struct uvf_route_key *key)
{
	const struct uvf_route *route;
	u32 portid;

	mutex_lock(&lock);
	route = find(key);
	portid = route ? route->owner.portid : 0;
	mutex_unlock(&lock);
	return portid;
}

int uvf_route_init(void)
{
	return netlink_register_notifier(&netlink_notifier);
}

/* No function is in use any more: no route is left. */
void uvf_route_exit(void)
{
	netlink_unregister_notifier(&netlink_notifier);
	cancel_work_sync(&reaper);
}
