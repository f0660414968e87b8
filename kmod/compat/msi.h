/* SPDX-License-Identifier: GPL-2.0-only */
/* A domain of ours, under the PCI core's MSI. Each entry names the release of the change. */
#ifndef UVF_COMPAT_MSI_H
#define UVF_COMPAT_MSI_H

#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/version.h>

/* The inner domain is ours; the outer one is what a PCI bus is given. */
struct uvf_compat_msi {
	struct fwnode_handle *fwnode;
	struct irq_domain *inner;
	struct irq_domain *outer;
};

/* 6.14: at once unless the chip says IRQCHIP_MOVE_DEFERRED. */
static inline void uvf_compat_irq_moves_at_once(unsigned int virq)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	irq_set_status_flags(virq, IRQ_MOVE_PCNTXT);
#endif
}

/* 6.17: each device has an MSI domain of its own, which the core makes upon ours. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#include <linux/irqchip/irq-msi-lib.h>

static const struct msi_parent_ops uvf_compat_msi_parent_ops = {
	.supported_flags = MSI_GENERIC_FLAGS_MASK | MSI_FLAG_PCI_MSIX | MSI_FLAG_MULTI_PCI_MSI,
	.required_flags = MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS,
	.bus_select_token = DOMAIN_BUS_NEXUS,
	.bus_select_mask = MATCH_PCI_MSI,
	.prefix = "uvf-",
	.init_dev_msi_info = msi_lib_init_dev_msi_info,
};

static inline int uvf_compat_msi_create(struct uvf_compat_msi *msi,
					const struct irq_domain_ops *ops)
{
	struct irq_domain_info info = { .ops = ops };

	msi->fwnode = irq_domain_alloc_named_fwnode("uvf");
	if (!msi->fwnode)
		return -ENOMEM;
	info.fwnode = msi->fwnode;
	msi->inner = msi_create_parent_irq_domain(&info, &uvf_compat_msi_parent_ops);
	if (!msi->inner) {
		irq_domain_free_fwnode(msi->fwnode);
		return -ENOMEM;
	}
	msi->outer = msi->inner;
	return 0;
}

static inline void uvf_compat_msi_destroy(struct uvf_compat_msi *msi)
{
	irq_domain_remove(msi->inner);
	irq_domain_free_fwnode(msi->fwnode);
}
#else
static struct irq_chip uvf_compat_msi_chip = {
	.name = "uvf-MSI",
};

static struct msi_domain_info uvf_compat_msi_info = {
	.flags = MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS | MSI_FLAG_PCI_MSIX |
		 MSI_FLAG_MULTI_PCI_MSI,
	.chip = &uvf_compat_msi_chip,
};

static inline int uvf_compat_msi_create(struct uvf_compat_msi *msi,
					const struct irq_domain_ops *ops)
{
	msi->fwnode = irq_domain_alloc_named_fwnode("uvf");
	if (!msi->fwnode)
		return -ENOMEM;
	msi->inner = irq_domain_create_hierarchy(NULL, 0, 0, msi->fwnode, ops, NULL);
	if (!msi->inner)
		goto err_fwnode;
	/* Two domains of a node are told apart by this. */
	irq_domain_update_bus_token(msi->inner, DOMAIN_BUS_NEXUS);
	msi->outer = pci_msi_create_irq_domain(msi->fwnode, &uvf_compat_msi_info, msi->inner);
	if (!msi->outer)
		goto err_inner;
	return 0;

err_inner:
	irq_domain_remove(msi->inner);
err_fwnode:
	irq_domain_free_fwnode(msi->fwnode);
	return -ENOMEM;
}

static inline void uvf_compat_msi_destroy(struct uvf_compat_msi *msi)
{
	irq_domain_remove(msi->outer);
	irq_domain_remove(msi->inner);
	irq_domain_free_fwnode(msi->fwnode);
}
#endif

#endif /* UVF_COMPAT_MSI_H */
