/* SPDX-License-Identifier: GPL-2.0-only */
/* A function's interrupts: vector 0 is the mailbox's (link, configuration), 1 + q queue q's. */
#ifndef UVF_IRQ_H
#define UVF_IRQ_H

#include <linux/mutex.h>
#include <linux/types.h>

struct irq_domain;
struct pci_dev;
struct uvf_function;
struct uvf_vectors;

#define UVF_MAX_VECTORS 17

/* What the capabilities offer: MSI counts in powers of two, and MSI-X follows it. */
#define UVF_MSI_VECTORS 32
/* The MSI-X table is at the start of BAR 0, which is a page; its pending bits are here. */
#define UVF_MSIX_PBA 0x800

/* Who takes the interrupts. It lives from start to stop. */
struct uvf_irq_user {
	/* With interrupts off, on the vector's processor. */
	void (*interrupt)(void *data, unsigned int vector);
	void *data;
	/* The netdev's name: vectors are called "<name>-ctl", "<name>-0" and so on. */
	const char *name;
};

/* Somebody else who is told of a vector's deliveries. */
struct uvf_irq_hook {
	/* After interrupt(), and like it. */
	void (*delivered)(struct uvf_irq_hook *hook);
};

struct uvf_irq {
	/* fast path */
	struct uvf_vectors __rcu *live; /* what can be raised now */
	struct uvf_irq_hook __rcu *hook[UVF_MAX_VECTORS];

	/* slow path */
	struct mutex mutex; /* below RTNL, and below the lock of the PCI device */
	struct pci_dev *pdev; /* while our driver is bound to it */
	const struct uvf_irq_user *user; /* while started */
	unsigned int nr;
	struct uvf_vectors *vectors; /* while there are both */
};

int uvf_irq_init(void);
void uvf_irq_exit(void);

/* Interrupts of a bus that has just been made, and has no devices, are ours. */
struct irq_domain *uvf_irq_domain(void);

/*
 * There are vectors while a function is started and our driver is bound to its PCI device. If start
 * says that they can't be had, it is started nevertheless, and the driver tries again when it is
 * bound the next time.
 */
int uvf_irq_start(struct uvf_function *function, unsigned int nr, const struct uvf_irq_user *user);

/* After it no interrupt() runs. */
void uvf_irq_stop(struct uvf_function *function);

/* Stop, begun early: no more is raised. The caller sees to it that RCU readers are awaited. */
void uvf_irq_quiesce(struct uvf_function *function);

/*
 * Any context with softirqs off. False: there is no such vector now, and the caller does itself
 * what its interrupt would have done.
 */
bool uvf_irq_raise(struct uvf_function *function, unsigned int vector);

/*
 * Hooks stay while vectors come and go. NULL takes one off; then it may still be running, until
 * RCU readers were awaited. Who sets hooks sees to it that nobody else sets the same.
 */
void uvf_irq_set_hook(struct uvf_function *function, unsigned int vector,
		      struct uvf_irq_hook *hook);

/* How many vectors the function was started with, or 0. Under RTNL. */
unsigned int uvf_irq_nr(const struct uvf_function *function);

/* Linux' number of a vector, or 0 while it has none. */
unsigned int uvf_irq_virq(struct uvf_function *function, unsigned int vector);

/* The netdev has another name. */
void uvf_irq_rename(struct uvf_function *function);

/* The driver comes and goes. Never under RTNL. */
void uvf_irq_bind(struct uvf_function *function, struct pci_dev *pdev);
void uvf_irq_unbind(struct uvf_function *function);

#endif /* UVF_IRQ_H */
