// SPDX-License-Identifier: GPL-2.0-only
/* The interface process's side: /dev/uvf-vfio. */
#include "face.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uvf.h>

/* --- who is attached ---------------------------------------------------------------------- */

void uvf_channel_detach(struct uvf_face *face)
{
	struct uvf_channel *channel = face->channel;

	lockdep_assert_held(&face->lock);
	if (!channel)
		return;
	face->channel = NULL;
	face->serving = false;
	uvf_requests_vacate(&face->requests, face->gone || face->stale);
	uvf_irqs_deafen(face);
	uvf_doorbell_clear(face);
	uvf_memory_revoke(face, channel);
}

static bool attached(const struct uvf_channel *channel)
{
	return READ_ONCE(channel->face->channel) == channel;
}

/* A channel that has selected: its face, locked, if it is attached and serves. */
static struct uvf_face *lock_serving(struct uvf_channel *channel)
{
	struct uvf_face *face = smp_load_acquire(&channel->face);
	int err;

	if (!face)
		return ERR_PTR(-ENOTCONN);
	mutex_lock(&face->lock);
	if (face->channel == channel && face->serving)
		return face;
	err = face->channel == channel ? -ENOTCONN : -EPIPE;
	mutex_unlock(&face->lock);
	return ERR_PTR(err);
}

/* --- select ------------------------------------------------------------------------------- */

static int attach(struct uvf_face *face, struct uvf_channel *channel, bool take_over)
{
	lockdep_assert_held(&face->lock);
	if (face->gone)
		return -ENODEV;
	/* Its netdev is going, or has gone. */
	if (READ_ONCE(face->leaving) || READ_ONCE(face->pdev->class) != UVF_PCI_CLASS_USED)
		return -ENXIO;
	if (face->stale || (face->channel && !take_over))
		return -EBUSY;
	/* Its reader pairs with the release: the face is whole. */
	if (cmpxchg_release(&channel->face, NULL, face))
		return -EBUSY;
	uvf_channel_detach(face);
	face->channel = channel;
	return 0;
}

static int select_face(struct uvf_channel *channel, const struct uvf_vfio_select *select)
{
	struct uvf_face *face;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (select->flags & ~UVF_VFIO_SELECT_TAKE_OVER ||
	    strnlen(select->pci, sizeof(select->pci)) == sizeof(select->pci))
		return -EINVAL;
	face = uvf_face_get(select->pci);
	if (IS_ERR(face))
		return PTR_ERR(face);
	/* What is to be retired is, before there is somebody new. */
	flush_work(&face->retire);
	mutex_lock(&face->lock);
	err = attach(face, channel, select->flags & UVF_VFIO_SELECT_TAKE_OVER);
	mutex_unlock(&face->lock);
	if (err)
		uvf_face_put(face);
	return err;
}

/* --- serve -------------------------------------------------------------------------------- */

static int serve_locked(struct uvf_face *face, const struct uvf_vfio_layout *layout)
{
	bool same = uvf_layout_equal(&face->layout, layout);
	int err;

	lockdep_assert_held(&face->lock);
	if (face->opened && (face->serving || !same))
		return -EBUSY;
	if (!face->opened) {
		err = uvf_layout_set(face, layout);
		if (err)
			return err;
		/* Of what was declared before: there may be no such places and vectors now. */
		uvf_doorbell_clear(face);
		uvf_irqs_deafen(face);
	}
	face->serving = true;
	uvf_requests_serve(&face->requests, layout->timeout_ms, layout->linger_ms);
	return 0;
}

static int serve(struct uvf_channel *channel, const struct uvf_vfio_layout *layout)
{
	struct uvf_face *face = smp_load_acquire(&channel->face);
	int err;

	if (!face)
		return -ENOTCONN;
	err = uvf_layout_check(layout);
	if (err)
		return err;
	mutex_lock(&face->lock);
	err = face->channel == channel ? serve_locked(face, layout) : -EPIPE;
	mutex_unlock(&face->lock);
	return err;
}

/* --- what it asks for --------------------------------------------------------------------- */

static int raise(struct uvf_channel *channel, const struct uvf_vfio_irq *irq)
{
	struct uvf_face *face = lock_serving(channel);
	int err;

	if (IS_ERR(face))
		return PTR_ERR(face);
	err = uvf_irqs_raise(face, irq);
	mutex_unlock(&face->lock);
	return err;
}

static int listen(struct uvf_channel *channel, const struct uvf_vfio_irqfd *irqfd)
{
	struct uvf_face *face = lock_serving(channel);
	int err;

	if (IS_ERR(face))
		return PTR_ERR(face);
	err = uvf_irqs_listen(face, irqfd);
	mutex_unlock(&face->lock);
	return err;
}

static int doorbell(struct uvf_channel *channel, const struct uvf_vfio_doorbell *what)
{
	struct uvf_face *face = lock_serving(channel);
	int err;

	if (IS_ERR(face))
		return PTR_ERR(face);
	err = uvf_doorbell_change(face, what);
	mutex_unlock(&face->lock);
	return err;
}

static int state(struct uvf_channel *channel, struct uvf_vfio_state *state)
{
	struct uvf_face *face = lock_serving(channel);

	if (IS_ERR(face))
		return PTR_ERR(face);
	*state = (struct uvf_vfio_state){ .size = sizeof(*state) };
	if (face->opened)
		state->flags |= UVF_VFIO_STATE_OPEN;
	uvf_irqs_state(face, state);
	mutex_unlock(&face->lock);
	return 0;
}

/* It is looked at again where a page is kept. */
static int check_serving(struct uvf_channel *channel)
{
	struct uvf_face *face = lock_serving(channel);

	if (IS_ERR(face))
		return PTR_ERR(face);
	mutex_unlock(&face->lock);
	return 0;
}

static int copy(struct uvf_channel *channel, const struct uvf_vfio_dma *dma, bool write)
{
	return check_serving(channel) ?: uvf_memory_copy(channel, dma, write);
}

static int probe(struct uvf_channel *channel, struct uvf_vfio_probe *probe)
{
	return check_serving(channel) ?: uvf_memory_probe(channel, probe);
}

/* --- ioctl -------------------------------------------------------------------------------- */

union argument {
	struct uvf_vfio_select select;
	struct uvf_vfio_layout layout;
	struct uvf_vfio_state state;
	struct uvf_vfio_irq irq;
	struct uvf_vfio_irqfd irqfd;
	struct uvf_vfio_doorbell doorbell;
	struct uvf_vfio_dma dma;
	struct uvf_vfio_probe probe;
};

static bool is_known(unsigned int cmd)
{
	static const unsigned int commands[] = {
		UVF_VFIO_SELECT, UVF_VFIO_SERVE,    UVF_VFIO_GET_STATE, UVF_VFIO_IRQ,
		UVF_VFIO_IRQFD,	 UVF_VFIO_DOORBELL, UVF_VFIO_DMA_READ,	UVF_VFIO_DMA_WRITE,
		UVF_VFIO_DMA_PROBE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i] == cmd)
			return true;
	return false;
}

/* A caller who knows more may say so with zeroes. */
static int get_argument(unsigned int cmd, union argument *argument, void __user *arg)
{
	u32 size;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < _IOC_SIZE(cmd))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(argument, _IOC_SIZE(cmd), arg, size);
}

static int dispatch(struct uvf_channel *channel, unsigned int cmd, union argument *argument)
{
	switch (cmd) {
	case UVF_VFIO_SELECT:
		return select_face(channel, &argument->select);
	case UVF_VFIO_SERVE:
		return serve(channel, &argument->layout);
	case UVF_VFIO_GET_STATE:
		return state(channel, &argument->state);
	case UVF_VFIO_IRQ:
		return raise(channel, &argument->irq);
	case UVF_VFIO_IRQFD:
		return listen(channel, &argument->irqfd);
	case UVF_VFIO_DOORBELL:
		return doorbell(channel, &argument->doorbell);
	case UVF_VFIO_DMA_READ:
	case UVF_VFIO_DMA_WRITE:
		return copy(channel, &argument->dma, cmd == UVF_VFIO_DMA_WRITE);
	case UVF_VFIO_DMA_PROBE:
		return probe(channel, &argument->probe);
	}
	return -ENOTTY;
}

static long channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *argp = (void __user *)arg;
	union argument argument;
	int err;

	if (!is_known(cmd))
		return -ENOTTY;
	err = get_argument(cmd, &argument, argp);
	if (!err)
		err = dispatch(file->private_data, cmd, &argument);
	if (!err && _IOC_DIR(cmd) & _IOC_READ && copy_to_user(argp, &argument, _IOC_SIZE(cmd)))
		err = -EFAULT;
	return err;
}

/* --- requests and replies ----------------------------------------------------------------- */

/* Under the lock: what a successor has queued for him is not ours. Some, none (0), or an error. */
static int take(struct uvf_channel *channel, struct uvf_vfio_request *messages, unsigned int max)
{
	struct uvf_face *face = lock_serving(channel);
	int nr;

	if (IS_ERR(face))
		return PTR_ERR(face);
	nr = uvf_requests_take(&face->requests, messages, max);
	mutex_unlock(&face->lock);
	return nr;
}

/* Looks first: that alone is a sign of life. */
static int wait_and_take(struct file *file, struct uvf_vfio_request *messages, unsigned int max)
{
	struct uvf_channel *channel = file->private_data;
	struct uvf_requests *requests;
	int nr, err;

	while (!(nr = take(channel, messages, max))) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		requests = &channel->face->requests;
		err = wait_event_interruptible(requests->readers,
					       !attached(channel) || uvf_requests_has(requests));
		if (err)
			return err;
	}
	return nr;
}

static ssize_t channel_read(struct file *file, char __user *buffer, size_t count, loff_t *pos)
{
	struct uvf_channel *channel = file->private_data;
	struct uvf_vfio_request messages[UVF_REQUESTS_BATCH];
	unsigned int max = min(count / sizeof(*messages), ARRAY_SIZE(messages));
	int nr;

	if (!max)
		return -EINVAL;
	nr = wait_and_take(file, messages, max);
	if (nr < 0)
		return nr == -EPIPE ? 0 : nr;
	if (copy_to_user(buffer, messages, nr * sizeof(*messages))) {
		uvf_requests_untake(&channel->face->requests, messages, nr);
		return -EFAULT;
	}
	return nr * sizeof(*messages);
}

static int answer(struct uvf_channel *channel, const char __user *buffer, unsigned int nr)
{
	struct uvf_vfio_reply replies[UVF_REQUESTS_BATCH];
	struct uvf_face *face;

	if (copy_from_user(replies, buffer, nr * sizeof(*replies)))
		return -EFAULT;
	face = lock_serving(channel);
	if (IS_ERR(face))
		return PTR_ERR(face);
	uvf_requests_answer(&face->requests, replies, nr);
	mutex_unlock(&face->lock);
	return 0;
}

static ssize_t channel_write(struct file *file, const char __user *buffer, size_t count,
			     loff_t *pos)
{
	const size_t size = sizeof(struct uvf_vfio_reply);
	size_t done = 0, part;
	int err;

	if (!count || count % size)
		return -EINVAL;
	for (; done < count; done += part) {
		part = min_t(size_t, count - done, UVF_REQUESTS_BATCH * size);
		err = answer(file->private_data, buffer + done, part / size);
		if (err)
			return done ?: err;
	}
	return done;
}

static __poll_t channel_poll(struct file *file, poll_table *wait)
{
	struct uvf_channel *channel = file->private_data;

	if (!smp_load_acquire(&channel->face))
		return EPOLLERR;
	poll_wait(file, &channel->face->requests.readers, wait);
	if (!attached(channel))
		return EPOLLHUP | EPOLLIN;
	return EPOLLOUT | (uvf_requests_has(&channel->face->requests) ? EPOLLIN : 0);
}

/* --- mappings ----------------------------------------------------------------------------- */

static int map_region(struct uvf_channel *channel, struct vm_area_struct *vma)
{
	const u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - UVF_VFIO_MAP_REGION(0);
	struct uvf_face *face = lock_serving(channel);
	int err;

	if (IS_ERR(face))
		return PTR_ERR(face);
	err = uvf_layout_map(face, offset >> 40, vma, offset & ((1ULL << 40) - 1));
	mutex_unlock(&face->lock);
	return err;
}

static int channel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct uvf_channel *channel = file->private_data;

	if (vma->vm_pgoff >= UVF_VFIO_MAP_REGION(0) >> PAGE_SHIFT)
		return map_region(channel, vma);
	return check_serving(channel) ?: uvf_memory_mmap(vma);
}

/* --- life --------------------------------------------------------------------------------- */

static const struct address_space_operations no_pages = {};

static int channel_open(struct inode *inode, struct file *file)
{
	struct uvf_channel *channel = kzalloc(sizeof(*channel), GFP_KERNEL_ACCOUNT);

	if (!channel)
		return -ENOMEM;
	address_space_init_once(&channel->mapping);
	channel->mapping.a_ops = &no_pages;
	channel->mapping.host = inode;
	file->f_mapping = &channel->mapping;
	file->private_data = channel;
	return nonseekable_open(inode, file);
}

static int channel_release(struct inode *inode, struct file *file)
{
	struct uvf_channel *channel = file->private_data;
	struct uvf_face *face = channel->face;

	if (face) {
		mutex_lock(&face->lock);
		if (face->channel == channel)
			uvf_channel_detach(face);
		mutex_unlock(&face->lock);
		uvf_face_put(face);
	}
	kfree(channel);
	return 0;
}

const struct file_operations uvf_channel_ops = {
	.owner = THIS_MODULE,
	.open = channel_open,
	.release = channel_release,
	.read = channel_read,
	.write = channel_write,
	.poll = channel_poll,
	.unlocked_ioctl = channel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = channel_mmap,
};
