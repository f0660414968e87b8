// SPDX-License-Identifier: GPL-2.0-only
/* The user's side: a VFIO device. */
#include "face.h"

#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/vmalloc.h>

/* As vfio-pci has it, and programs know. */
#define OFFSET_SHIFT 40
#define OFFSET_MASK ((1ULL << OFFSET_SHIFT) - 1)

/* --- one access --------------------------------------------------------------------------- */

static struct uvf_vfio_request message_of(const struct uvf_place *place, u16 type, u64 value)
{
	return (struct uvf_vfio_request){
		.type = type,
		.region = place->region,
		.width = place->width,
		.offset = place->offset,
		.value = value,
	};
}

static int ask(struct uvf_face *face, const struct uvf_place *place, u16 type, u64 *value)
{
	struct uvf_vfio_request message = message_of(place, type, *value);
	int err = uvf_requests_ask(&face->requests, &message);

	*value = message.value;
	/* Nobody answers: a bus without a device reads as ones, and writes are lost. */
	if (err == -ETIMEDOUT) {
		*value = ~0ULL;
		return 0;
	}
	return err;
}

/* Nobody waits for it, as long as there is room: what is lost is lost. */
static int post(struct uvf_face *face, const struct uvf_place *place, u64 value)
{
	const struct uvf_vfio_request message = message_of(place, UVF_VFIO_WRITE, value);

	if (uvf_requests_post(&face->requests, &message) == -EBUSY)
		return ask(face, place, UVF_VFIO_WRITE, &value);
	return 0;
}

static int read_one(struct uvf_face *face, const struct uvf_place *place, u64 *value)
{
	const void *direct = uvf_layout_direct(face, place);

	if (!direct)
		return ask(face, place, UVF_VFIO_READ, value);
	memcpy(value, direct, place->width);
	return 0;
}

static int write_one(struct uvf_face *face, const struct uvf_place *place, u64 value)
{
	void *direct = uvf_layout_direct(face, place);

	if (direct) {
		memcpy(direct, &value, place->width);
		return 0;
	}
	if (uvf_doorbell_ring(face, place, value))
		return 0;
	if (face->layout.region[place->region].flags & UVF_VFIO_REGION_POSTED)
		return post(face, place, value);
	return ask(face, place, UVF_VFIO_WRITE, &value);
}

static int access_one(struct uvf_face *face, const struct uvf_place *place, char __user *buffer,
		      bool write)
{
	u64 value = 0;
	int err;

	/* Little-endian, as all of PCI; so are the machines that the module is for. */
	if (write) {
		if (copy_from_user(&value, buffer, place->width))
			return -EFAULT;
		return write_one(face, place, value);
	}
	err = read_one(face, place, &value);
	if (!err && copy_to_user(buffer, &value, place->width))
		err = -EFAULT;
	return err;
}

/* --- read and write ----------------------------------------------------------------------- */

static unsigned int width_at(u64 offset, size_t count, unsigned int max)
{
	unsigned int width = max;

	while (width > count || offset % width)
		width /= 2;
	return width;
}

static ssize_t access_region(struct uvf_face *face, unsigned int region, u64 offset,
			     char __user *buffer, size_t count, bool write)
{
	const struct uvf_vfio_region *r = &face->layout.region[region];
	unsigned int max = r->flags & UVF_VFIO_REGION_WIDE ? 8 : 4;
	size_t done = 0;
	int err = 0;

	count = min_t(u64, count, r->size - offset);
	while (done < count && !err) {
		const struct uvf_place place = {
			.region = region,
			.offset = offset + done,
			.width = width_at(offset + done, count - done, max),
		};

		err = access_one(face, &place, buffer + done, write);
		if (!err)
			done += place.width;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done ?: err;
}

static ssize_t access(struct vfio_device *vdev, char __user *buffer, size_t count, loff_t *pos,
		      bool write)
{
	struct uvf_face *face = uvf_face_of(vdev);
	u64 region = (u64)*pos >> OFFSET_SHIFT, offset = *pos & OFFSET_MASK;
	u32 need = write ? UVF_VFIO_REGION_WRITE : UVF_VFIO_REGION_READ;
	ssize_t done;

	if (region >= UVF_VFIO_REGIONS || offset >= face->layout.region[region].size ||
	    !(face->layout.region[region].flags & need))
		return -EINVAL;
	if (!count)
		return 0;
	done = access_region(face, region, offset, buffer, count, write);
	if (done > 0)
		*pos += done;
	return done;
}

static ssize_t device_read(struct vfio_device *vdev, char __user *buffer, size_t count, loff_t *pos)
{
	return access(vdev, buffer, count, pos, false);
}

static ssize_t device_write(struct vfio_device *vdev, const char __user *buffer, size_t count,
			    loff_t *pos)
{
	return access(vdev, (char __user *)buffer, count, pos, true);
}

static int device_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	const u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;

	return uvf_layout_map(uvf_face_of(vdev), offset >> OFFSET_SHIFT, vma,
			      offset & OFFSET_MASK);
}

/* --- what there is ------------------------------------------------------------------------ */

static long get_info(struct uvf_face *face, void __user *arg)
{
	size_t size = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, arg, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user(arg, &info, size) ? -EFAULT : 0;
}
static_assert(UVF_VFIO_REGIONS == VFIO_PCI_NUM_REGIONS);

/* Which part of the region may be mapped. */
static int add_sparse(const struct uvf_vfio_region *region, struct vfio_info_cap *caps)
{
	struct vfio_region_info_cap_sparse_mmap *sparse;
	size_t size = struct_size(sparse, areas, 1);
	int err;

	sparse = kzalloc(size, GFP_KERNEL);
	if (!sparse)
		return -ENOMEM;
	sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse->header.version = 1;
	sparse->nr_areas = 1;
	sparse->areas[0].offset = region->direct_offset;
	sparse->areas[0].size = region->direct_size;
	err = vfio_info_add_capability(caps, &sparse->header, size);
	kfree(sparse);
	return err;
}

static int get_region(struct vfio_device *vdev, struct vfio_region_info *info,
		      struct vfio_info_cap *caps)
{
	struct uvf_face *face = uvf_face_of(vdev);
	const struct uvf_vfio_region *region;

	if (info->index >= UVF_VFIO_REGIONS)
		return -EINVAL;
	region = &face->layout.region[array_index_nospec(info->index, UVF_VFIO_REGIONS)];
	info->offset = (u64)info->index << OFFSET_SHIFT;
	info->size = region->size;
	info->flags = 0;
	if (region->flags & UVF_VFIO_REGION_READ)
		info->flags |= VFIO_REGION_INFO_FLAG_READ;
	if (region->flags & UVF_VFIO_REGION_WRITE)
		info->flags |= VFIO_REGION_INFO_FLAG_WRITE;
	if (!region->direct_size)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return add_sparse(region, caps);
}

static long get_irq(struct uvf_face *face, void __user *arg)
{
	size_t size = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, size))
		return -EFAULT;
	if (info.argsz < size || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = uvf_irqs_count(face, info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	if (info.count && info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	return copy_to_user(arg, &info, size) ? -EFAULT : 0;
}

/* --- what is to be done ------------------------------------------------------------------- */

static long set_irqs(struct uvf_face *face, void __user *arg)
{
	size_t data_size = 0, size = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set set;
	void *data = NULL;
	long err;

	if (copy_from_user(&set, arg, size))
		return -EFAULT;
	if (set.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	err = vfio_set_irqs_validate_and_prepare(&set, uvf_irqs_count(face, set.index),
						 VFIO_PCI_NUM_IRQS, &data_size);
	if (err)
		return err;
	if (data_size) {
		data = memdup_user(arg + size, data_size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	err = uvf_irqs_set(face, &set, data);
	kfree(data);
	return err;
}

static int reset(struct uvf_face *face, u64 why)
{
	struct uvf_vfio_request message = { .type = UVF_VFIO_RESET, .value = why };
	int err = uvf_requests_ask(&face->requests, &message);

	uvf_irqs_reset(face);
	return err;
}

static long device_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct uvf_face *face = uvf_face_of(vdev);
	void __user *argp = (void __user *)arg;

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(face, argp);
	case VFIO_DEVICE_GET_REGION_INFO:
		return uvf_compat_vfio_region_info(vdev, argp, get_region);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq(face, argp);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(face, argp);
	case VFIO_DEVICE_RESET:
		return reset(face, UVF_VFIO_RESET_ASKED);
	}
	return -ENOTTY;
}

/* --- open and close ----------------------------------------------------------------------- */

/* From now on, the layout stays. */
static int claim(struct uvf_face *face)
{
	int err = 0;

	mutex_lock(&face->lock);
	if (!face->serving || face->gone)
		err = -ENXIO;
	else
		face->opened = true;
	mutex_unlock(&face->lock);
	return err;
}

static void unclaim(struct uvf_face *face)
{
	mutex_lock(&face->lock);
	face->opened = false;
	face->stale = false;
	mutex_unlock(&face->lock);
}

static int open_device(struct vfio_device *vdev)
{
	struct uvf_face *face = uvf_face_of(vdev);
	int err;

	err = claim(face);
	if (err)
		return err;
	err = reset(face, UVF_VFIO_RESET_OPENED);
	if (err) {
		unclaim(face);
		return err;
	}
	uvf_memory_open(face);
	return 0;
}

static void close_device(struct vfio_device *vdev)
{
	struct uvf_face *face = uvf_face_of(vdev);

	uvf_requests_settle(&face->requests);
	/* Whoever answers from here on finds no memory any more. */
	uvf_memory_close(face);
	uvf_irqs_close(face);
	uvf_requests_tell_closed(&face->requests);
	unclaim(face);
}

static void request(struct vfio_device *vdev, unsigned int count)
{
	uvf_irqs_request(uvf_face_of(vdev));
}

/* --- life --------------------------------------------------------------------------------- */

static int init(struct vfio_device *vdev)
{
	struct uvf_face *face = uvf_face_of(vdev);

	mutex_init(&face->lock);
	spin_lock_init(&face->doorbell_lock);
	uvf_irqs_init(&face->irqs);
	uvf_memory_init(&face->memory);
	return uvf_requests_init(&face->requests);
}

static void release(struct vfio_device *vdev)
{
	struct uvf_face *face = uvf_face_of(vdev);

	uvf_requests_exit(&face->requests);
	vfree(face->direct);
	uvf_compat_vfio_free(vdev);
}

const struct vfio_device_ops uvf_device_ops = {
	.name = UVF_VFIO_DRIVER,
	.init = init,
	.release = release,
	UVF_COMPAT_VFIO_IOMMUFD
	UVF_COMPAT_VFIO_REGION_INFO(get_region)
	.open_device = open_device,
	.close_device = close_device,
	.read = device_read,
	.write = device_write,
	.ioctl = device_ioctl,
	.mmap = device_mmap,
	.request = request,
	.dma_unmap = uvf_memory_unmap,
};
