/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs in VFIO and in what it takes. Each entry names the release of the change. */
#ifndef UVF_COMPAT_VFIO_H
#define UVF_COMPAT_VFIO_H

#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>

/* 6.2: the core frees what it has allocated. */
static inline void uvf_compat_vfio_free(struct vfio_device *vdev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

/* 6.2: a device may be used with iommufd; one that is emulated leaves that to the core. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define UVF_COMPAT_VFIO_IOMMUFD                                                                    \
	.bind_iommufd = vfio_iommufd_emulated_bind,                                                \
	.unbind_iommufd = vfio_iommufd_emulated_unbind,                                            \
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,                                          \
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define UVF_COMPAT_VFIO_IOMMUFD                                                                    \
	.bind_iommufd = vfio_iommufd_emulated_bind,                                                \
	.unbind_iommufd = vfio_iommufd_emulated_unbind,                                            \
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
#else
#define UVF_COMPAT_VFIO_IOMMUFD
#endif

/* 6.3: flags of a mapping are set by a call. */
static inline void uvf_compat_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

/*
 * 6.19: the core has the ioctl itself, and asks for the region. Before, it is `inner` that is asked
 * by what stands here.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define UVF_COMPAT_VFIO_REGION_INFO(inner) .get_region_info_caps = inner,
static inline long uvf_compat_vfio_region_info(struct vfio_device *vdev, void __user *arg,
					       int (*inner)(struct vfio_device *,
							    struct vfio_region_info *,
							    struct vfio_info_cap *))
{
	return -ENOTTY;
}
#else
#define UVF_COMPAT_VFIO_REGION_INFO(inner)
/* The capabilities follow behind the structure, where there is room for them. */
static inline int uvf_compat_vfio_put_caps(struct vfio_region_info *info,
					   struct vfio_info_cap *caps, void __user *arg)
{
	if (!caps->size)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	info->cap_offset = sizeof(*info);
	return copy_to_user(arg + sizeof(*info), caps->buf, caps->size) ? -EFAULT : 0;
}

static inline long uvf_compat_vfio_region_info(struct vfio_device *vdev, void __user *arg,
					       int (*inner)(struct vfio_device *,
							    struct vfio_region_info *,
							    struct vfio_info_cap *))
{
	size_t size = offsetofend(struct vfio_region_info, offset);
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	long err;

	if (copy_from_user(&info, arg, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	info.cap_offset = 0;
	err = inner(vdev, &info, &caps);
	if (!err)
		err = uvf_compat_vfio_put_caps(&info, &caps, arg);
	kfree(caps.buf);
	if (!err && copy_to_user(arg, &info, size))
		err = -EFAULT;
	return err;
}
#endif

#endif /* UVF_COMPAT_VFIO_H */
