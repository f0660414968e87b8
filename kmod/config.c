// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space, type 0 header (PCI Local Bus Specification 3.0, 6.1).
 *
 * Both the image and the mask are bytes, so that an access of any width at any offset is the
 * same loop. Where the mask has a zero the image stays as the module made it: what is reserved,
 * read-only or absent (there is no BAR, no ROM and no capability) needs no further code.
 */
#include "config.h"

#include <linux/pci.h>
#include <linux/uvf.h>

#define COMMAND_WRITABLE                                                                           \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

/* Software may write the bits that are set. */
static const u8 writable[PCI_CFG_SPACE_SIZE] = {
	[PCI_COMMAND] = COMMAND_WRITABLE & 0xff,
	[PCI_COMMAND + 1] = COMMAND_WRITABLE >> 8,
	[PCI_CACHE_LINE_SIZE] = 0xff,
	[PCI_LATENCY_TIMER] = 0xff,
	[PCI_INTERRUPT_LINE] = 0xff,
};

static void put16(struct uvf_config *config, int reg, u16 value)
{
	config->image[reg] = value;
	config->image[reg + 1] = value >> 8;
}

void uvf_config_init(struct uvf_config *config)
{
	raw_spin_lock_init(&config->lock);
	put16(config, PCI_VENDOR_ID, UVF_PCI_VENDOR);
	put16(config, PCI_DEVICE_ID, UVF_PCI_DEVICE);
	put16(config, PCI_SUBSYSTEM_VENDOR_ID, UVF_PCI_VENDOR);
	put16(config, PCI_SUBSYSTEM_ID, UVF_PCI_DEVICE);
	/* Multi-function: a rescan looks beyond function 0 of a device only where this is set. */
	config->image[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL | 0x80;
	uvf_config_set_class(config, UVF_PCI_CLASS_SPARE);
}

u32 uvf_config_read(struct uvf_config *config, int reg, int len)
{
	unsigned long flags;
	u32 value = 0;
	int i;

	if (reg < 0 || len < 0 || reg + len > PCI_CFG_SPACE_SIZE)
		return ~0U;
	raw_spin_lock_irqsave(&config->lock, flags);
	for (i = 0; i < len; i++)
		value |= (u32)config->image[reg + i] << (8 * i);
	raw_spin_unlock_irqrestore(&config->lock, flags);
	return value;
}

void uvf_config_write(struct uvf_config *config, int reg, int len, u32 value)
{
	unsigned long flags;
	int i;

	if (reg < 0 || len < 0 || reg + len > PCI_CFG_SPACE_SIZE)
		return;
	raw_spin_lock_irqsave(&config->lock, flags);
	for (i = 0; i < len; i++, value >>= 8) {
		u8 mask = writable[reg + i];

		config->image[reg + i] = (config->image[reg + i] & ~mask) | (value & mask);
	}
	raw_spin_unlock_irqrestore(&config->lock, flags);
}

void uvf_config_set_class(struct uvf_config *config, u32 class)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&config->lock, flags);
	config->image[PCI_CLASS_PROG] = class;
	put16(config, PCI_CLASS_DEVICE, class >> 8);
	raw_spin_unlock_irqrestore(&config->lock, flags);
}
