/* SPDX-License-Identifier: GPL-2.0-only */
/* Vectors: raised by the interface process, heard by the user through its eventfds. */
#ifndef UVF_VFIO_IRQ_H
#define UVF_VFIO_IRQ_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/uvf_vfio.h>

struct eventfd_ctx;
struct uvf_face;
struct uvf_listener;
struct vfio_irq_set;

/* INTx, MSI, MSI-X, and the kernel's wish to have the device back, in a row. */
#define UVF_SLOT_MSI 1
#define UVF_SLOT_MSIX (UVF_SLOT_MSI + UVF_VFIO_MSI_MAX)
#define UVF_SLOT_REQUEST (UVF_SLOT_MSIX + UVF_VFIO_MSIX_MAX)
#define UVF_SLOTS (UVF_SLOT_REQUEST + 1)

struct uvf_irqs {
	/* Interrupts off. Eventfds are signalled with it held. */
	spinlock_t lock;
	struct eventfd_ctx *trigger[UVF_SLOTS];
	DECLARE_BITMAP(pending, UVF_SLOTS);
	bool intx_level;
	bool intx_masked;

	/* Below face->lock. */
	struct mutex mutex;
	struct list_head listeners; /* of the process */
	struct uvf_listener *unmask; /* of the user */
};

void uvf_irqs_init(struct uvf_irqs *irqs);

/* How many vectors there are of a VFIO index. */
unsigned int uvf_irqs_count(const struct uvf_face *face, unsigned int index);

/* The user's side: VFIO_DEVICE_SET_IRQS, checked by VFIO's core, with its data. */
int uvf_irqs_set(struct uvf_face *face, const struct vfio_irq_set *set, const void *data);
/* No eventfd of the user is left, and nothing pending. */
void uvf_irqs_close(struct uvf_face *face);
/* Nothing is pending. */
void uvf_irqs_reset(struct uvf_face *face);
/* Asks the user to let go of the device. */
void uvf_irqs_request(struct uvf_face *face);

/* The process's side */
int uvf_irqs_raise(struct uvf_face *face, const struct uvf_vfio_irq *irq);
int uvf_irqs_listen(struct uvf_face *face, const struct uvf_vfio_irqfd *irqfd);
/* No eventfd of the process is left. */
void uvf_irqs_deafen(struct uvf_face *face);

void uvf_irqs_state(struct uvf_face *face, struct uvf_vfio_state *state);

#endif /* UVF_VFIO_IRQ_H */
