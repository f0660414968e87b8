/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VFIO face of a function, between its user and its interface process. The manual is
 * uapi/linux/uvf_vfio.h; locks and lives are in Documentation/locking.rst.
 */
#ifndef UVF_FACE_H
#define UVF_FACE_H

#include "../compat/vfio.h"
#include "irq.h"
#include "memory.h"
#include "requests.h"

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/uvf_vfio.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>

struct eventfd_ctx;
struct pci_dev;
struct uvf_face;

/* An open file of /dev/uvf-vfio. */
struct uvf_channel {
	struct uvf_face *face; /* set once, with a reference */
	/* Of its own, so that what is taken out of it is not taken out of others. */
	struct address_space mapping;
};

struct uvf_place {
	unsigned int region;
	unsigned int width;
	u64 offset;
};

struct uvf_doorbell {
	struct uvf_place place;
	bool match;
	u64 value;
	struct eventfd_ctx *eventfd;
};

struct uvf_face {
	struct vfio_device vdev; /* the first: VFIO allocates it */

	/* fast path */
	struct uvf_requests requests;
	struct uvf_irqs irqs;
	spinlock_t doorbell_lock;
	unsigned int nr_doorbells;
	struct uvf_doorbell doorbell[UVF_VFIO_DOORBELLS_MAX];

	/* slow path */
	struct mutex lock; /* below mmap_lock: no user memory is touched with it held */
	struct uvf_memory memory;
	struct uvf_channel *channel; /* under lock: who is attached */
	bool serving;		     /* under lock */
	bool opened;		     /* under lock: by the user; the layout is fixed meanwhile */
	bool stale;		     /* under lock: it was opened before the netdev went */
	bool gone;		     /* under lock: the driver is leaving */
	struct uvf_vfio_layout layout; /* under lock, and read freely while opened */
	void *direct;		     /* pages of all regions, one behind the other */

	struct list_head node;	  /* under the lock of main.c */
	struct pci_dev *pdev;
	bool leaving;		  /* its netdev unregisters, or there is none */
	struct work_struct retire;
};

static inline struct uvf_face *uvf_face_of(struct vfio_device *vdev)
{
	return container_of(vdev, struct uvf_face, vdev);
}

extern const struct vfio_device_ops uvf_device_ops;
extern const struct file_operations uvf_channel_ops;
extern struct workqueue_struct *uvf_vfio_workqueue;

/* The face at a PCI address, with a reference; or an error. */
struct uvf_face *uvf_face_get(const char *pci);
void uvf_face_put(struct uvf_face *face);

/* Whoever is attached is no more. With the lock held. */
void uvf_channel_detach(struct uvf_face *face);

/* Is it sound? */
int uvf_layout_check(const struct uvf_vfio_layout *layout);
/* The face has this layout, and its direct pages, from now on. With the lock held. */
int uvf_layout_set(struct uvf_face *face, const struct uvf_vfio_layout *layout);
/* The user may see no difference between the two. */
bool uvf_layout_equal(const struct uvf_vfio_layout *a, const struct uvf_vfio_layout *b);
/* Direct pages of a region, into a mapping; and where a place is that is in one, or NULL. */
int uvf_layout_map(struct uvf_face *face, unsigned int region, struct vm_area_struct *vma,
		   u64 offset);
void *uvf_layout_direct(const struct uvf_face *face, const struct uvf_place *place);

int uvf_doorbell_change(struct uvf_face *face, const struct uvf_vfio_doorbell *what);
void uvf_doorbell_clear(struct uvf_face *face);
/* True: it was one. */
bool uvf_doorbell_ring(struct uvf_face *face, const struct uvf_place *place, u64 value);

#endif /* UVF_FACE_H */
