/* SPDX-License-Identifier: GPL-2.0-only */
/* How a program becomes the user of a VFIO device. Each exits with 1 and a line when it can't. */
#ifndef VFIO_OPEN_H
#define VFIO_OPEN_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

struct vfio_use {
	const char *address; /* PCI */
	int container, group, device;
};

static inline void vfio_die(const char *what)
{
	printf("%s: ! %s\n", what, strerrorname_np(errno));
	exit(1);
}

static inline void vfio_open_group(struct vfio_use *use)
{
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", use->address);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		vfio_die("group");
	target[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	use->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (use->container < 0)
		vfio_die("container");
	use->group = open(path, O_RDWR | O_CLOEXEC);
	if (use->group < 0)
		vfio_die(path);
	if (ioctl(use->group, VFIO_GROUP_SET_CONTAINER, &use->container))
		vfio_die("set container");
	if (ioctl(use->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		vfio_die("set iommu");
}

static inline void vfio_open_device(struct vfio_use *use)
{
	use->device = ioctl(use->group, VFIO_GROUP_GET_DEVICE_FD, use->address);
	if (use->device < 0)
		vfio_die("device");
}

/* As vfio-pci has it, and uvf-vfio. */
static inline off_t vfio_place(uint64_t region, uint64_t offset)
{
	return region << 40 | offset;
}

#endif
