// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the user has mapped for DMA.
 *
 * A page is pinned when the process first wants it, kept in `pages`, and put into the process's
 * mapping by its fault handler. What is in the mapping is in `pages`, and what is in `pages` is
 * pinned:
 *
 *	in		pinned, then into `pages`, then into the mapping
 *	out		out of `pages`, then out of the mapping, then unpinned
 *
 * The second and third step in and the first two steps out are under face->lock.
 *
 * To pin a page takes VFIO's locks and the mmap_lock of its owner. So a fault handler, which is
 * called with the mmap_lock of the process, lets go of that first and has the fault tried again.
 *
 * VFIO tells that memory is unmapped with a lock held (type 1: of its list of devices) that it
 * takes elsewhere inside the one that unpinning takes. So a work item unpins, and is waited for.
 * With two threads that unmap the same container's memory at once, type 1 may wait for itself; with
 * any driver that pins.
 */
#include "memory.h"
#include "face.h"

#include <linux/completion.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vfio.h>

/* Pages that are unpinned at a time; VFIO takes 512. */
#define BATCH 64

/* In pages. An address has no more than this, in the window and in VFIO_IOMMU_MAP_DMA. */
#define WINDOW (1UL << (56 - PAGE_SHIFT))

#define READ_ONLY 1U

static struct page *page_of(void *entry)
{
	return xa_untag_pointer(entry);
}

/* --- out ---------------------------------------------------------------------------------- */

/* Takes some pages of a range out of sight, in order. How many. */
static unsigned int hide(struct uvf_face *face, unsigned long first, unsigned long last,
			 unsigned long *index)
{
	unsigned int nr = 0;
	void *entry;

	mutex_lock(&face->lock);
	while (nr < BATCH && (entry = xa_find(&face->memory.pages, &first, last, XA_PRESENT))) {
		xa_erase(&face->memory.pages, first);
		index[nr++] = first;
	}
	if (nr && face->channel)
		unmap_mapping_range(&face->channel->mapping, (loff_t)index[0] << PAGE_SHIFT,
				    (loff_t)(index[nr - 1] - index[0] + 1) << PAGE_SHIFT, 1);
	mutex_unlock(&face->lock);
	return nr;
}

/* Runs are unpinned by one call each. */
static void unpin(struct uvf_face *face, const unsigned long *index, unsigned int nr)
{
	unsigned int i, run;

	for (i = 0; i < nr; i += run) {
		for (run = 1; i + run < nr && index[i + run] == index[i] + run; run++)
			;
		vfio_unpin_pages(&face->vdev, (dma_addr_t)index[i] << PAGE_SHIFT, run);
	}
}

static void drop(struct uvf_face *face, unsigned long first, unsigned long last)
{
	unsigned long index[BATCH];
	unsigned int nr;

	lockdep_assert_held(&face->memory.pinning);
	while ((nr = hide(face, first, last, index)))
		unpin(face, index, nr);
}

struct unmapping {
	struct work_struct work;
	struct uvf_face *face;
	unsigned long first, last;
	struct completion done;
};

static void unmap(struct work_struct *work)
{
	struct unmapping *unmapping = container_of(work, struct unmapping, work);
	struct uvf_face *face = unmapping->face;

	/* Also waits for who has pinned a page, and is about to keep it. */
	mutex_lock(&face->memory.pinning);
	drop(face, unmapping->first, unmapping->last);
	mutex_unlock(&face->memory.pinning);
	complete(&unmapping->done);
}

void uvf_memory_unmap(struct vfio_device *vdev, u64 address, u64 length)
{
	struct unmapping unmapping = {
		.face = uvf_face_of(vdev),
		.first = address >> PAGE_SHIFT,
		.last = (address + length - 1) >> PAGE_SHIFT,
	};

	init_completion(&unmapping.done);
	INIT_WORK_ONSTACK(&unmapping.work, unmap);
	queue_work(uvf_vfio_workqueue, &unmapping.work);
	wait_for_completion(&unmapping.done);
	destroy_work_on_stack(&unmapping.work);
}

static void forget(struct work_struct *work)
{
	struct uvf_face *face = container_of(work, struct uvf_face, memory.forget);

	mutex_lock(&face->memory.pinning);
	if (face->memory.usable)
		drop(face, 0, ULONG_MAX);
	mutex_unlock(&face->memory.pinning);
	uvf_face_put(face);
}

void uvf_memory_revoke(struct uvf_face *face, struct uvf_channel *channel)
{
	lockdep_assert_held(&face->lock);
	unmap_mapping_range(&channel->mapping, 0, 0, 1);
	get_device(&face->vdev.device);
	if (!queue_work(uvf_vfio_workqueue, &face->memory.forget))
		uvf_face_put(face);
}

void uvf_memory_open(struct uvf_face *face)
{
	mutex_lock(&face->memory.pinning);
	face->memory.usable = true;
	mutex_unlock(&face->memory.pinning);
}

void uvf_memory_close(struct uvf_face *face)
{
	mutex_lock(&face->memory.pinning);
	face->memory.usable = false;
	drop(face, 0, ULONG_MAX);
	mutex_unlock(&face->memory.pinning);
}

/* --- in ----------------------------------------------------------------------------------- */

/* The page, tagged; or an error. */
static void *pin(struct uvf_face *face, unsigned long index)
{
	dma_addr_t address = (dma_addr_t)index << PAGE_SHIFT;
	unsigned long tag = 0;
	struct page *page;
	int nr;

	lockdep_assert_held(&face->memory.pinning);
	nr = vfio_pin_pages(&face->vdev, address, 1, IOMMU_READ | IOMMU_WRITE, &page);
	if (nr != 1) {
		tag = READ_ONLY;
		nr = vfio_pin_pages(&face->vdev, address, 1, IOMMU_READ, &page);
	}
	if (nr != 1)
		return ERR_PTR(-EFAULT);
	/* Another device's registers are not for a process that takes them for memory. */
	if (!pfn_valid(page_to_pfn(page))) {
		vfio_unpin_pages(&face->vdev, address, 1);
		return ERR_PTR(-EFAULT);
	}
	return xa_tag_pointer(page, tag);
}

static int keep(struct uvf_channel *channel, unsigned long index, void *entry)
{
	struct uvf_face *face = channel->face;
	int err = -EPIPE;

	mutex_lock(&face->lock);
	if (face->channel == channel)
		err = xa_err(xa_store(&face->memory.pages, index, entry, GFP_KERNEL_ACCOUNT));
	mutex_unlock(&face->lock);
	return err;
}

static bool kept(struct uvf_face *face, unsigned long index)
{
	bool is;

	mutex_lock(&face->lock);
	is = xa_load(&face->memory.pages, index);
	mutex_unlock(&face->lock);
	return is;
}

static int fetch_locked(struct uvf_channel *channel, unsigned long index)
{
	struct uvf_face *face = channel->face;
	void *entry;
	int err;

	if (!face->memory.usable)
		return -EFAULT;
	if (kept(face, index))
		return 0;
	entry = pin(face, index);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	err = keep(channel, index, entry);
	if (err)
		vfio_unpin_pages(&face->vdev, (dma_addr_t)index << PAGE_SHIFT, 1);
	return err;
}

/* The page is in `pages`; but it may be unmapped again before the caller looks there. */
static int fetch(struct uvf_channel *channel, unsigned long index)
{
	struct uvf_memory *memory = &channel->face->memory;
	int err;

	if (index >= WINDOW)
		return -EFAULT;
	if (mutex_lock_killable(&memory->pinning))
		return -EINTR;
	err = fetch_locked(channel, index);
	mutex_unlock(&memory->pinning);
	return err;
}

/* --- the process's mapping ---------------------------------------------------------------- */

/* 0: the page is not there. */
static vm_fault_t insert(struct uvf_channel *channel, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct uvf_face *face = channel->face;
	unsigned long flags = vma->vm_flags;
	void *entry;

	lockdep_assert_held(&face->lock);
	if (face->channel != channel)
		return VM_FAULT_SIGBUS;
	entry = xa_load(&face->memory.pages, vmf->pgoff);
	if (!entry)
		return 0;
	if (xa_pointer_tag(entry) == READ_ONLY) {
		if (vmf->flags & FAULT_FLAG_WRITE)
			return VM_FAULT_SIGBUS;
		flags &= ~VM_WRITE;
	}
	return vmf_insert_pfn_prot(vma, vmf->address, page_to_pfn(page_of(entry)),
				   vm_get_page_prot(flags));
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct file *file = vmf->vma->vm_file;
	struct uvf_channel *channel = file->private_data;
	vm_fault_t result;

	/* Whoever pins for a face what is seen here would come back to the lock that he holds. */
	if (vmf->flags & FAULT_FLAG_REMOTE)
		return VM_FAULT_SIGBUS;
	mutex_lock(&channel->face->lock);
	result = insert(channel, vmf);
	mutex_unlock(&channel->face->lock);
	if (result)
		return result;
	/* Tried already, and it could not be had; or somebody asks who can't wait. */
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) ||
	    vmf->flags & (FAULT_FLAG_TRIED | FAULT_FLAG_RETRY_NOWAIT))
		return VM_FAULT_SIGBUS;
	get_file(file);
	mmap_read_unlock(vmf->vma->vm_mm);
	fetch(channel, vmf->pgoff);
	fput(file);
	return VM_FAULT_RETRY;
}

/* A write where there is a page already: to be read only, or put in when the mapping was. */
static vm_fault_t write_on(struct vm_fault *vmf)
{
	struct uvf_channel *channel = vmf->vma->vm_file->private_data;
	struct uvf_face *face = channel->face;
	void *entry;

	mutex_lock(&face->lock);
	entry = face->channel == channel ? xa_load(&face->memory.pages, vmf->pgoff) : NULL;
	mutex_unlock(&face->lock);
	return entry && xa_pointer_tag(entry) != READ_ONLY ? 0 : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct window_ops = {
	.fault = fault,
	.pfn_mkwrite = write_on,
};

int uvf_memory_mmap(struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= WINDOW || vma_pages(vma) > WINDOW - vma->vm_pgoff)
		return -EINVAL;
	/* What a child has, would outlive us. */
	uvf_compat_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	vma->vm_ops = &window_ops;
	return 0;
}

/* --- copies, and looking ------------------------------------------------------------------ */

static int copy_kept(struct uvf_channel *channel, u64 address, void *data, size_t length,
		     bool write)
{
	struct uvf_face *face = channel->face;
	void *entry, *at;

	lockdep_assert_held(&face->lock);
	if (face->channel != channel)
		return -EPIPE;
	entry = xa_load(&face->memory.pages, address >> PAGE_SHIFT);
	if (!entry || (write && xa_pointer_tag(entry) == READ_ONLY))
		return -EFAULT;
	at = kmap_local_page(page_of(entry));
	if (write)
		memcpy(at + offset_in_page(address), data, length);
	else
		memcpy(data, at + offset_in_page(address), length);
	kunmap_local(at);
	return 0;
}

/* Within a page. */
static int copy_part(struct uvf_channel *channel, u64 address, void *data, size_t length,
		     bool write)
{
	int err;

	err = fetch(channel, address >> PAGE_SHIFT);
	if (err)
		return err;
	mutex_lock(&channel->face->lock);
	err = copy_kept(channel, address, data, length, write);
	mutex_unlock(&channel->face->lock);
	return err;
}

static size_t within_page(u64 address, u64 length)
{
	return min_t(u64, length, PAGE_SIZE - offset_in_page(address));
}

static int copy(struct uvf_channel *channel, const struct uvf_vfio_dma *dma, void *bounce,
		bool write)
{
	void __user *data = u64_to_user_ptr(dma->data);
	size_t done, part;
	int err;

	for (done = 0; done < dma->length; done += part) {
		part = within_page(dma->address + done, dma->length - done);
		if (write && copy_from_user(bounce, data + done, part))
			return -EFAULT;
		err = copy_part(channel, dma->address + done, bounce, part, write);
		if (err)
			return err;
		if (!write && copy_to_user(data + done, bounce, part))
			return -EFAULT;
	}
	return 0;
}

int uvf_memory_copy(struct uvf_channel *channel, const struct uvf_vfio_dma *dma, bool write)
{
	void *bounce;
	int err;

	if (dma->length > UVF_VFIO_DMA_MAX)
		return -EINVAL;
	if (dma->address + dma->length < dma->address)
		return -EFAULT;
	bounce = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!bounce)
		return -ENOMEM;
	err = copy(channel, dma, bounce, write);
	kfree(bounce);
	return err;
}

static bool is_there(struct uvf_channel *channel, u64 address, bool write)
{
	struct uvf_face *face = channel->face;
	void *entry;

	if (fetch(channel, address >> PAGE_SHIFT))
		return false;
	mutex_lock(&face->lock);
	entry = xa_load(&face->memory.pages, address >> PAGE_SHIFT);
	mutex_unlock(&face->lock);
	return entry && !(write && xa_pointer_tag(entry) == READ_ONLY);
}

int uvf_memory_probe(struct uvf_channel *channel, struct uvf_vfio_probe *probe)
{
	bool write = probe->flags & UVF_VFIO_PROBE_WRITE;
	u64 found = 0;

	if (probe->flags & ~UVF_VFIO_PROBE_WRITE)
		return -EINVAL;
	probe->length = min_t(u64, probe->length, UVF_VFIO_DMA_MAX);
	while (found < probe->length && is_there(channel, probe->address + found, write))
		found += within_page(probe->address + found, probe->length - found);
	probe->length = found;
	return 0;
}

void uvf_memory_init(struct uvf_memory *memory)
{
	mutex_init(&memory->pinning);
	xa_init(&memory->pages);
	INIT_WORK(&memory->forget, forget);
}
