// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors. Who raises one signals the eventfd that the user has given for it; if there is none,
 * that is kept for later.
 *
 * INTx is a level. Delivered once, it is masked until the user unmasks it, and then delivered again
 * if it still stands: what VFIO calls automasked.
 *
 * A listener waits on an eventfd of others: the process's, to raise a vector, or the user's, to
 * unmask INTx. It is woken under that eventfd's lock, where no other one may be signalled; so an
 * irq_work does it, when the lock has been let go. An eventfd that we signal ourselves wakes no
 * listener: vectors could raise each other for ever.
 */
#include "irq.h"
#include "../compat/compat.h"
#include "face.h"

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>

struct uvf_listener {
	struct list_head node;
	struct uvf_face *face;
	unsigned int slot;
	void (*heard)(struct uvf_listener *listener);
	struct eventfd_ctx *eventfd;
	wait_queue_head_t *head;
	wait_queue_entry_t wait;
	poll_table poll;
	struct irq_work work;
};

static const unsigned int first_slot[] = {
	[VFIO_PCI_INTX_IRQ_INDEX] = 0,
	[VFIO_PCI_MSI_IRQ_INDEX] = UVF_SLOT_MSI,
	[VFIO_PCI_MSIX_IRQ_INDEX] = UVF_SLOT_MSIX,
	[VFIO_PCI_ERR_IRQ_INDEX] = UVF_SLOTS,
	[VFIO_PCI_REQ_IRQ_INDEX] = UVF_SLOT_REQUEST,
};
static_assert(ARRAY_SIZE(first_slot) == VFIO_PCI_NUM_IRQS);

unsigned int uvf_irqs_count(const struct uvf_face *face, unsigned int index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return face->layout.intx;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return face->layout.msi;
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return face->layout.msix;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	}
	return 0;
}

/* --- raising ------------------------------------------------------------------------------ */

static DEFINE_PER_CPU(bool, signalling);

static void signal(struct uvf_irqs *irqs, unsigned int slot)
{
	lockdep_assert_held(&irqs->lock);
	this_cpu_write(signalling, true);
	uvf_compat_eventfd_signal(irqs->trigger[slot]);
	this_cpu_write(signalling, false);
}

static void deliver_intx(struct uvf_irqs *irqs)
{
	lockdep_assert_held(&irqs->lock);
	if (!irqs->intx_level || irqs->intx_masked || !irqs->trigger[0])
		return;
	irqs->intx_masked = true;
	signal(irqs, 0);
}

static void raise(struct uvf_irqs *irqs, unsigned int slot, bool level)
{
	unsigned long flags;

	spin_lock_irqsave(&irqs->lock, flags);
	if (!slot) {
		irqs->intx_level = level;
		deliver_intx(irqs);
	} else if (!level) {
		/* A message is not taken back. */
	} else if (irqs->trigger[slot]) {
		signal(irqs, slot);
	} else {
		__set_bit(slot, irqs->pending);
	}
	spin_unlock_irqrestore(&irqs->lock, flags);
}

static void set_mask(struct uvf_irqs *irqs, bool masked)
{
	unsigned long flags;

	spin_lock_irqsave(&irqs->lock, flags);
	irqs->intx_masked = masked;
	deliver_intx(irqs);
	spin_unlock_irqrestore(&irqs->lock, flags);
}

/* --- listening ---------------------------------------------------------------------------- */

static void hear_raise(struct uvf_listener *listener)
{
	raise(&listener->face->irqs, listener->slot, true);
}

static void hear_unmask(struct uvf_listener *listener)
{
	set_mask(&listener->face->irqs, false);
}

static void hear(struct irq_work *work)
{
	struct uvf_listener *listener = container_of(work, struct uvf_listener, work);

	listener->heard(listener);
}

/* Under the eventfd's lock, with interrupts off. */
static int woken(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct uvf_listener *listener = container_of(wait, struct uvf_listener, wait);
	u64 count;

	if (key_to_poll(key) & EPOLLIN && !this_cpu_read(signalling)) {
		eventfd_ctx_do_read(listener->eventfd, &count);
		irq_work_queue(&listener->work);
	}
	return 0;
}

static void hang_on(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct uvf_listener *listener = container_of(table, struct uvf_listener, poll);

	listener->head = head;
	add_wait_queue(head, &listener->wait);
}

static struct uvf_listener *listener_create(struct uvf_face *face, unsigned int slot, int fd,
					    void (*heard)(struct uvf_listener *))
{
	struct uvf_listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!listener)
		return ERR_PTR(-ENOMEM);
	file = eventfd_fget(fd);
	if (IS_ERR(file)) {
		kfree(listener);
		return ERR_CAST(file);
	}
	listener->face = face;
	listener->slot = slot;
	listener->heard = heard;
	listener->eventfd = eventfd_ctx_fileget(file);
	init_irq_work(&listener->work, hear);
	init_waitqueue_func_entry(&listener->wait, woken);
	init_poll_funcptr(&listener->poll, hang_on);
	/* Written before: that counts. */
	if (vfs_poll(file, &listener->poll) & EPOLLIN)
		irq_work_queue(&listener->work);
	/* It may be closed: what we wait on is the context's, which we hold. */
	fput(file);
	return listener;
}

static void listener_destroy(struct uvf_listener *listener)
{
	if (!listener)
		return;
	remove_wait_queue(listener->head, &listener->wait);
	irq_work_sync(&listener->work);
	eventfd_ctx_put(listener->eventfd);
	kfree(listener);
}

/* --- the user's side ---------------------------------------------------------------------- */

static void set_trigger(struct uvf_irqs *irqs, unsigned int slot, struct eventfd_ctx *eventfd)
{
	struct eventfd_ctx *old;
	unsigned long flags;

	spin_lock_irqsave(&irqs->lock, flags);
	old = irqs->trigger[slot];
	irqs->trigger[slot] = eventfd;
	if (!slot) {
		irqs->intx_masked = false;
		deliver_intx(irqs);
	} else if (eventfd && __test_and_clear_bit(slot, irqs->pending)) {
		signal(irqs, slot);
	}
	spin_unlock_irqrestore(&irqs->lock, flags);
	if (old)
		eventfd_ctx_put(old);
}

static void forget_pending(struct uvf_irqs *irqs, unsigned int slot, unsigned int nr)
{
	unsigned long flags;

	spin_lock_irqsave(&irqs->lock, flags);
	bitmap_clear(irqs->pending, slot, nr);
	spin_unlock_irqrestore(&irqs->lock, flags);
}

static void set_unmask(struct uvf_irqs *irqs, struct uvf_listener *listener)
{
	lockdep_assert_held(&irqs->mutex);
	listener_destroy(irqs->unmask);
	irqs->unmask = listener;
}

static void switch_off(struct uvf_face *face, unsigned int index)
{
	unsigned int i, nr = uvf_irqs_count(face, index);

	for (i = 0; i < nr; i++)
		set_trigger(&face->irqs, first_slot[index] + i, NULL);
	forget_pending(&face->irqs, first_slot[index], nr);
	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		set_unmask(&face->irqs, NULL);
}

static int set_triggers(struct uvf_face *face, unsigned int slot, unsigned int nr, const s32 *fds)
{
	struct eventfd_ctx *eventfd;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		eventfd = fds[i] < 0 ? NULL : eventfd_ctx_fdget(fds[i]);
		if (IS_ERR(eventfd))
			break;
		set_trigger(&face->irqs, slot + i, eventfd);
	}
	if (i == nr)
		return 0;
	/* All of them or none. */
	while (i--)
		set_trigger(&face->irqs, slot + i, NULL);
	return PTR_ERR(eventfd);
}

/* As if the device had raised them: a user tries its own side. */
static void loop_back(struct uvf_face *face, const struct vfio_irq_set *set, unsigned int slot,
		      const u8 *bools)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&face->irqs.lock, flags);
	for (i = 0; i < set->count; i++)
		if ((!bools || bools[i]) && face->irqs.trigger[slot + i])
			signal(&face->irqs, slot + i);
	spin_unlock_irqrestore(&face->irqs.lock, flags);
}

static int set_trigger_action(struct uvf_face *face, const struct vfio_irq_set *set,
			      const void *data)
{
	unsigned int slot = first_slot[set->index] + set->start;

	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		if (!set->count)
			switch_off(face, set->index);
		else
			loop_back(face, set, slot, NULL);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		loop_back(face, set, slot, data);
		return 0;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return set_triggers(face, slot, set->count, data);
	}
	return -EINVAL;
}

static int set_unmask_eventfd(struct uvf_face *face, int fd)
{
	struct uvf_listener *listener = NULL;

	if (fd >= 0)
		listener = listener_create(face, 0, fd, hear_unmask);
	if (IS_ERR(listener))
		return PTR_ERR(listener);
	set_unmask(&face->irqs, listener);
	return 0;
}

static int set_mask_action(struct uvf_face *face, const struct vfio_irq_set *set, const void *data,
			   bool mask)
{
	if (set->index != VFIO_PCI_INTX_IRQ_INDEX || set->count != 1)
		return -EINVAL;
	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!*(const u8 *)data)
			return 0;
		fallthrough;
	case VFIO_IRQ_SET_DATA_NONE:
		set_mask(&face->irqs, mask);
		return 0;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return mask ? -EINVAL : set_unmask_eventfd(face, *(const s32 *)data);
	}
	return -EINVAL;
}

int uvf_irqs_set(struct uvf_face *face, const struct vfio_irq_set *set, const void *data)
{
	int err = -EINVAL;

	mutex_lock(&face->irqs.mutex);
	switch (set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		err = set_trigger_action(face, set, data);
		break;
	case VFIO_IRQ_SET_ACTION_MASK:
		err = set_mask_action(face, set, data, true);
		break;
	case VFIO_IRQ_SET_ACTION_UNMASK:
		err = set_mask_action(face, set, data, false);
		break;
	}
	mutex_unlock(&face->irqs.mutex);
	return err;
}

void uvf_irqs_reset(struct uvf_face *face)
{
	unsigned long flags;

	spin_lock_irqsave(&face->irqs.lock, flags);
	bitmap_zero(face->irqs.pending, UVF_SLOTS);
	face->irqs.intx_level = false;
	spin_unlock_irqrestore(&face->irqs.lock, flags);
}

void uvf_irqs_close(struct uvf_face *face)
{
	unsigned int slot;

	mutex_lock(&face->irqs.mutex);
	set_unmask(&face->irqs, NULL);
	for (slot = 0; slot < UVF_SLOTS; slot++)
		set_trigger(&face->irqs, slot, NULL);
	mutex_unlock(&face->irqs.mutex);
	uvf_irqs_reset(face);
}

void uvf_irqs_request(struct uvf_face *face)
{
	raise(&face->irqs, UVF_SLOT_REQUEST, true);
}

/* --- the process's side ------------------------------------------------------------------- */

static int find_slot(const struct uvf_face *face, u32 index, u32 vector)
{
	if (index > VFIO_PCI_MSIX_IRQ_INDEX || vector >= uvf_irqs_count(face, index))
		return -EINVAL;
	return first_slot[index] + vector;
}

int uvf_irqs_raise(struct uvf_face *face, const struct uvf_vfio_irq *irq)
{
	int slot = find_slot(face, irq->index, irq->vector);

	if (slot < 0 || irq->level > 1)
		return -EINVAL;
	raise(&face->irqs, slot, irq->level);
	return 0;
}

static void listener_drop(struct uvf_irqs *irqs, unsigned int slot)
{
	struct uvf_listener *listener, *next;

	lockdep_assert_held(&irqs->mutex);
	list_for_each_entry_safe(listener, next, &irqs->listeners, node)
		if (listener->slot == slot || slot == UVF_SLOTS) {
			list_del(&listener->node);
			listener_destroy(listener);
		}
}

int uvf_irqs_listen(struct uvf_face *face, const struct uvf_vfio_irqfd *irqfd)
{
	struct uvf_listener *listener = NULL;
	int slot = find_slot(face, irqfd->index, irqfd->vector);

	if (slot < 0)
		return slot;
	if (irqfd->eventfd >= 0)
		listener = listener_create(face, slot, irqfd->eventfd, hear_raise);
	if (IS_ERR(listener))
		return PTR_ERR(listener);
	mutex_lock(&face->irqs.mutex);
	listener_drop(&face->irqs, slot);
	if (listener)
		list_add(&listener->node, &face->irqs.listeners);
	mutex_unlock(&face->irqs.mutex);
	return 0;
}

void uvf_irqs_deafen(struct uvf_face *face)
{
	mutex_lock(&face->irqs.mutex);
	listener_drop(&face->irqs, UVF_SLOTS);
	mutex_unlock(&face->irqs.mutex);
}

static u32 count_triggers(const struct uvf_irqs *irqs, unsigned int slot, unsigned int nr)
{
	u32 n = 0;

	for (; nr; nr--, slot++)
		n += !!irqs->trigger[slot];
	return n;
}

void uvf_irqs_state(struct uvf_face *face, struct uvf_vfio_state *state)
{
	struct uvf_irqs *irqs = &face->irqs;
	unsigned long flags;

	spin_lock_irqsave(&irqs->lock, flags);
	state->intx = count_triggers(irqs, 0, 1);
	state->msi = count_triggers(irqs, UVF_SLOT_MSI, UVF_VFIO_MSI_MAX);
	state->msix = count_triggers(irqs, UVF_SLOT_MSIX, UVF_VFIO_MSIX_MAX);
	if (irqs->intx_masked)
		state->flags |= UVF_VFIO_STATE_INTX_MASKED;
	spin_unlock_irqrestore(&irqs->lock, flags);
}

void uvf_irqs_init(struct uvf_irqs *irqs)
{
	spin_lock_init(&irqs->lock);
	mutex_init(&irqs->mutex);
	INIT_LIST_HEAD(&irqs->listeners);
}
