// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that software raises.
 *
 * They are MSI-X or MSI to everybody else: a domain of our own stands where on hardware the
 * processor's vectors are, and costs none of these. What would be a write of the device to memory
 * is a call of uvf_irq_raise(): on a processor that the vector's affinity names the handler runs
 * right there; else the first of them is called. There it is as if hardware had done it: masked
 * while disabled, counted in /proc/interrupts, moved by smp_affinity and when processors go.
 */
#include "irq.h"
#include "bridge.h"
#include "compat/msi.h"
#include "function.h"

#include <linux/if.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/smp.h>

struct vector {
	/* fast path */
	atomic_t raised; /* since the handler last began; 0: it does not run, and is not to */
	unsigned int virq;
	unsigned int cpu;
	struct irq_data *data;
	call_single_data_t csd;
	struct irq_work again;

	/* slow path */
	unsigned int index;
	const struct uvf_irq *irq;
	const struct uvf_irq_user *user;
	char name[IFNAMSIZ + 4];
};

struct uvf_vectors {
	unsigned int nr;
	struct vector *vector[];
};

static struct irq_domain *domain;

/* --- raising ------------------------------------------------------------------------------ */

static void deliver(void *data)
{
	struct vector *vector = data;
	int n;

	do {
		/* Pairs with the increment in raise(): the handler sees what it was for. */
		n = atomic_read_acquire(&vector->raised);
		generic_handle_irq_safe(vector->virq);
	} while (!atomic_sub_and_test(n, &vector->raised));
}

/*
 * Who brings the count from 0 to 1 delivers, for all that follow until it is 0 again. So nothing
 * is lost that is raised on two processors at a time; genirq would drop the second one.
 */
static void raise(struct vector *vector)
{
	if (atomic_inc_return(&vector->raised) > 1)
		return;
	if (cpumask_test_cpu(smp_processor_id(),
			     irq_data_get_effective_affinity_mask(vector->data)) ||
	    /* It fails where that processor has just gone offline. */
	    smp_call_function_single_async(READ_ONCE(vector->cpu), &vector->csd))
		deliver(vector);
}

bool uvf_irq_raise(struct uvf_function *function, unsigned int index)
{
	const struct uvf_vectors *vectors;

	vectors = rcu_dereference_check(function->irq.live, rcu_read_lock_bh_held());
	if (!vectors || index >= vectors->nr)
		return false;
	raise(vectors->vector[index]);
	return true;
}

static void raise_again(struct irq_work *work)
{
	raise(container_of(work, struct vector, again));
}

static irqreturn_t handle(int virq, void *data)
{
	struct vector *vector = data;
	struct uvf_irq_hook *hook;

	vector->user->interrupt(vector->user->data, vector->index);
	rcu_read_lock();
	hook = rcu_dereference(vector->irq->hook[vector->index]);
	if (hook)
		hook->delivered(hook);
	rcu_read_unlock();
	return IRQ_HANDLED;
}

/* --- the interrupt chip ------------------------------------------------------------------- */

static int chip_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct vector *vector = irq_data_get_irq_chip_data(data);
	unsigned int cpu = cpumask_first_and(mask, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	WRITE_ONCE(vector->cpu, cpu);
	irq_data_update_effective_affinity(data, mask);
	return IRQ_SET_MASK_OK_DONE;
}

/* The descriptor's lock is held: the handler can't be called from here. */
static int chip_retrigger(struct irq_data *data)
{
	struct vector *vector = irq_data_get_irq_chip_data(data);

	irq_work_queue(&vector->again);
	return 1;
}

/* Nobody writes this message. It has to be one, and to tell vectors apart. */
static void chip_compose_message(struct irq_data *data, struct msi_msg *msg)
{
	*msg = (struct msi_msg){ .data = data->hwirq };
}

static struct irq_chip chip = {
	.name = "uvf",
	.irq_set_affinity = chip_set_affinity,
	.irq_retrigger = chip_retrigger,
	.irq_compose_msi_msg = chip_compose_message,
};

/* --- the domain --------------------------------------------------------------------------- */

static struct vector *vector_create(unsigned int virq)
{
	struct vector *vector = kzalloc(sizeof(*vector), GFP_KERNEL);

	if (!vector)
		return NULL;
	vector->virq = virq;
	vector->data = irq_domain_get_irq_data(domain, virq);
	INIT_CSD(&vector->csd, deliver, vector);
	vector->again = IRQ_WORK_INIT_HARD(raise_again);
	return vector;
}

static void vector_destroy(struct vector *vector)
{
	irq_work_sync(&vector->again);
	while (atomic_read(&vector->raised))
		cpu_relax();
	kfree(vector);
}

static void domain_free(struct irq_domain *domain, unsigned int virq, unsigned int nr)
{
	while (nr--) {
		struct irq_data *data = irq_domain_get_irq_data(domain, virq + nr);

		vector_destroy(irq_data_get_irq_chip_data(data));
		irq_domain_reset_irq_data(data);
	}
}

static int domain_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr, void *arg)
{
	const struct msi_desc *desc = ((msi_alloc_info_t *)arg)->desc;
	irq_hw_number_t first = uvf_bridge_index(to_pci_dev(desc->dev)) * UVF_MSI_VECTORS;
	unsigned int i;

	first += desc->msi_index;
	for (i = 0; i < nr; i++) {
		struct vector *vector = vector_create(virq + i);

		if (!vector) {
			domain_free(domain, virq, i);
			return -ENOMEM;
		}
		irq_domain_set_info(domain, virq + i, first + i, &chip, vector, handle_simple_irq,
				    NULL, "edge");
		uvf_compat_irq_moves_at_once(virq + i);
	}
	return 0;
}

static const struct irq_domain_ops domain_ops = {
	.alloc = domain_alloc,
	.free = domain_free,
};

static struct uvf_compat_msi msi;

struct irq_domain *uvf_irq_domain(void)
{
	return msi.outer;
}

int uvf_irq_init(void)
{
	int err = uvf_compat_msi_create(&msi, &domain_ops);

	domain = msi.inner;
	return err;
}

void uvf_irq_exit(void)
{
	uvf_compat_msi_destroy(&msi);
}

/* --- a function's vectors ----------------------------------------------------------------- */

static void set_name(struct vector *vector)
{
	if (vector->index)
		snprintf(vector->name, sizeof(vector->name), "%s-%u", vector->user->name,
			 vector->index - 1);
	else
		snprintf(vector->name, sizeof(vector->name), "%s-ctl", vector->user->name);
}

static int vector_request(struct uvf_irq *irq, struct uvf_vectors *vectors, unsigned int index)
{
	int virq = pci_irq_vector(irq->pdev, index);
	struct vector *vector = irq_domain_get_irq_data(domain, virq)->chip_data;

	vector->index = index;
	vector->irq = irq;
	vector->user = irq->user;
	set_name(vector);
	vectors->vector[index] = vector;
	/* In a thread, where `threadirqs` would put it, interrupts are on. */
	return request_irq(virq, handle, IRQF_NO_THREAD, vector->name, vector);
}

/* No reader is left; but what they raised may still be on its way. */
static void vectors_release(struct uvf_vectors *vectors)
{
	while (vectors->nr--) {
		struct vector *vector = vectors->vector[vectors->nr];

		while (atomic_read(&vector->raised))
			cpu_relax();
		free_irq(vector->virq, vector);
	}
}

static int engage(struct uvf_irq *irq)
{
	struct uvf_vectors *vectors;
	int err;

	lockdep_assert_held(&irq->mutex);
	vectors = kzalloc(struct_size(vectors, vector, irq->nr), GFP_KERNEL);
	if (!vectors)
		return -ENOMEM;
	err = pci_alloc_irq_vectors(irq->pdev, irq->nr, irq->nr, PCI_IRQ_MSIX | PCI_IRQ_MSI);
	if (err < 0)
		goto err_free;
	for (; vectors->nr < irq->nr; vectors->nr++) {
		err = vector_request(irq, vectors, vectors->nr);
		if (err)
			goto err_vectors;
	}
	irq->vectors = vectors;
	rcu_assign_pointer(irq->live, vectors);
	return 0;

err_vectors:
	vectors_release(vectors);
	pci_free_irq_vectors(irq->pdev);
err_free:
	kfree(vectors);
	pci_warn(irq->pdev, "no interrupt vectors (%pe); the network device goes on without\n",
		 ERR_PTR(err));
	return err;
}

static void disengage(struct uvf_irq *irq)
{
	lockdep_assert_held(&irq->mutex);
	if (!irq->vectors)
		return;
	vectors_release(irq->vectors);
	pci_free_irq_vectors(irq->pdev);
	kfree(irq->vectors);
	irq->vectors = NULL;
}

int uvf_irq_start(struct uvf_function *function, unsigned int nr, const struct uvf_irq_user *user)
{
	struct uvf_irq *irq = &function->irq;
	int err = 0;

	ASSERT_RTNL();
	mutex_lock(&irq->mutex);
	irq->nr = nr;
	irq->user = user;
	if (irq->pdev)
		err = engage(irq);
	mutex_unlock(&irq->mutex);
	return err;
}

void uvf_irq_quiesce(struct uvf_function *function)
{
	struct uvf_irq *irq = &function->irq;

	mutex_lock(&irq->mutex);
	irq->user = NULL;
	RCU_INIT_POINTER(irq->live, NULL);
	mutex_unlock(&irq->mutex);
}

void uvf_irq_stop(struct uvf_function *function)
{
	struct uvf_irq *irq = &function->irq;

	mutex_lock(&irq->mutex);
	irq->user = NULL;
	if (rcu_access_pointer(irq->live)) {
		RCU_INIT_POINTER(irq->live, NULL);
		synchronize_net();
	}
	disengage(irq);
	mutex_unlock(&irq->mutex);
}

void uvf_irq_rename(struct uvf_function *function)
{
	struct uvf_irq *irq = &function->irq;
	unsigned int i;

	ASSERT_RTNL();
	mutex_lock(&irq->mutex);
	/* /proc/interrupts may show a mixture, once; it always ends within the buffer. */
	for (i = 0; irq->vectors && i < irq->vectors->nr; i++)
		set_name(irq->vectors->vector[i]);
	mutex_unlock(&irq->mutex);
}

void uvf_irq_set_hook(struct uvf_function *function, unsigned int vector,
		      struct uvf_irq_hook *hook)
{
	rcu_assign_pointer(function->irq.hook[vector], hook);
}

unsigned int uvf_irq_nr(const struct uvf_function *function)
{
	ASSERT_RTNL();
	return function->irq.user ? function->irq.nr : 0;
}

unsigned int uvf_irq_virq(struct uvf_function *function, unsigned int vector)
{
	struct uvf_irq *irq = &function->irq;
	unsigned int virq = 0;

	mutex_lock(&irq->mutex);
	if (irq->vectors && vector < irq->vectors->nr)
		virq = irq->vectors->vector[vector]->virq;
	mutex_unlock(&irq->mutex);
	return virq;
}

/* --- the driver's side -------------------------------------------------------------------- */

void uvf_irq_bind(struct uvf_function *function, struct pci_dev *pdev)
{
	struct uvf_irq *irq = &function->irq;

	mutex_lock(&irq->mutex);
	irq->pdev = pdev;
	if (irq->user)
		engage(irq);
	mutex_unlock(&irq->mutex);
}

void uvf_irq_unbind(struct uvf_function *function)
{
	struct uvf_irq *irq = &function->irq;

	mutex_lock(&irq->mutex);
	RCU_INIT_POINTER(irq->live, NULL);
	/* Also where it was so before: who quiesced it may not have waited yet. */
	if (irq->vectors)
		synchronize_rcu();
	disengage(irq);
	irq->pdev = NULL;
	mutex_unlock(&irq->mutex);
}
