/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that the user has mapped for DMA, as the interface process sees it. */
#ifndef UVF_MEMORY_H
#define UVF_MEMORY_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uvf_vfio.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

struct uvf_channel;
struct uvf_face;
struct vfio_device;
struct vm_area_struct;

struct uvf_memory {
	/* Held while pages are pinned and unpinned. Above face->lock, never below mmap_lock. */
	struct mutex pinning;
	bool usable;	     /* under pinning: VFIO has the device open */
	struct xarray pages; /* under face->lock: by DMA address, tagged where only to be read */
	struct work_struct forget;
};

void uvf_memory_init(struct uvf_memory *memory);

/* The user has the device open, or no more: then nothing is pinned. */
void uvf_memory_open(struct uvf_face *face);
void uvf_memory_close(struct uvf_face *face);
/* It unmaps: what VFIO calls. */
void uvf_memory_unmap(struct vfio_device *vdev, u64 address, u64 length);

/* The channel ends: it sees nothing any more, and all is unpinned soon. With face->lock held. */
void uvf_memory_revoke(struct uvf_face *face, struct uvf_channel *channel);

int uvf_memory_mmap(struct vm_area_struct *vma);
int uvf_memory_copy(struct uvf_channel *channel, const struct uvf_vfio_dma *dma, bool write);
int uvf_memory_probe(struct uvf_channel *channel, struct uvf_vfio_probe *probe);

#endif /* UVF_MEMORY_H */
