/* SPDX-License-Identifier: GPL-2.0-only */
/* Configuration space of a function: an image, and which of its bits software may write. */
#ifndef UVF_CONFIG_H
#define UVF_CONFIG_H

#include <linux/pci_regs.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct uvf_config {
	/* Accessors run with interrupts off, under raw locks of the PCI core. */
	raw_spinlock_t lock;
	u8 image[PCI_CFG_SPACE_SIZE];
	phys_addr_t bar; /* where BAR 0 is */
};

void uvf_config_init(struct uvf_config *config, phys_addr_t bar);

/* As it was at first, but for the class. When no PCI device is there. */
void uvf_config_reset(struct uvf_config *config);

u32 uvf_config_read(struct uvf_config *config, int reg, int len);
void uvf_config_write(struct uvf_config *config, int reg, int len, u32 value);
void uvf_config_set_class(struct uvf_config *config, u32 class);

#endif /* UVF_CONFIG_H */
