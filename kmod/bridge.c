// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual PCI host bridge.
 *
 * The domain number is above 16 bits: firmware cannot have given it to anybody, and the IOMMU
 * drivers, whose tables know 16 bits, leave its devices alone. Buses are root buses, made when
 * the first function is put on them, and gone with the module.
 *
 * A BAR is ordinary memory. So the bridge's window is all of memory, in a tree of resources of its
 * own: in the kernel's that memory is taken, by being memory.
 *
 * What is particular to x86 is in this file: struct pci_sysdata, and how memory is cached.
 */
#include "bridge.h"
#include "compat/compat.h"
#include "function.h"
#include "irq.h"

#include <linux/device.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/set_memory.h>
#include <linux/uvf.h>

#define NR_BUSES (UVF_MAX_FUNCTIONS / UVF_FUNCTIONS_PER_BUS)

static struct {
	struct pci_sysdata sysdata;
	struct device *root;
	struct resource window;
	struct resource busn[NR_BUSES];
	struct pci_bus *bus[NR_BUSES]; /* under pci_lock_rescan_remove() */
} bridge;

static struct uvf_function *function_at(const struct pci_bus *bus, unsigned int devfn)
{
	return uvf_function_at(bus->number * UVF_FUNCTIONS_PER_BUS + devfn);
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int reg, int len, u32 *value)
{
	struct uvf_function *function = function_at(bus, devfn);

	if (!function) {
		PCI_SET_ERROR_RESPONSE(value);
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	*value = uvf_config_read(&function->config, reg, len);
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int reg, int len, u32 value)
{
	struct uvf_function *function = function_at(bus, devfn);

	if (!function)
		return PCIBIOS_DEVICE_NOT_FOUND;
	uvf_config_write(&function->config, reg, len, value);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

int uvf_bridge_index(const struct pci_dev *pdev)
{
	if (pdev->bus->ops != &config_ops)
		return -1;
	return pdev->bus->number * UVF_FUNCTIONS_PER_BUS + pdev->devfn;
}
EXPORT_SYMBOL_GPL(uvf_bridge_index); /* for uvf-vfio.ko */

static struct pci_bus *bus_get(unsigned int number)
{
	struct resource *busn = &bridge.busn[number];
	LIST_HEAD(resources);
	struct pci_bus *bus;

	if (bridge.bus[number])
		return bridge.bus[number];

	*busn = (struct resource){
		.name = "uvf bus",
		.start = number,
		.end = number,
		.flags = IORESOURCE_BUS,
	};
	pci_add_resource(&resources, busn);
	pci_add_resource(&resources, &bridge.window);
	bus = pci_create_root_bus(bridge.root, number, &config_ops, &bridge.sysdata, &resources);
	if (bus)
		dev_set_msi_domain(&bus->dev, uvf_irq_domain());
	else
		pci_free_resource_list(&resources);
	bridge.bus[number] = bus;
	return bus;
}

struct page *uvf_bridge_alloc_bar(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	/* Of memory, ioremap() maps only what is marked so. */
	if (page)
		SetPageReserved(page);
	return page;
}

void uvf_bridge_free_bar(struct page *page)
{
	/* ioremap() has made the kernel's own mapping uncached, and iounmap() leaves it so. */
	set_memory_wb((unsigned long)page_address(page), 1);
	ClearPageReserved(page);
	__free_page(page);
}

int uvf_bridge_scan(unsigned int index)
{
	struct pci_bus *bus = bus_get(index / UVF_FUNCTIONS_PER_BUS);
	struct pci_dev *pdev;

	if (!bus)
		return -ENOMEM;
	pdev = pci_scan_single_device(bus, index % UVF_FUNCTIONS_PER_BUS);
	if (!pdev)
		return -ENOMEM;
	pci_bus_add_device(pdev);
	return 0;
}

static void bus_remove(struct pci_bus *bus)
{
	struct pci_host_bridge *host = to_pci_host_bridge(bus->bridge);

	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	/* The reference of pci_create_root_bus(), which the core leaves to its caller. */
	pci_free_host_bridge(host);
}

void uvf_bridge_clear(void)
{
	int i;

	pci_lock_rescan_remove();
	for (i = NR_BUSES - 1; i >= 0; i--) {
		if (!bridge.bus[i])
			continue;
		bus_remove(bridge.bus[i]);
		bridge.bus[i] = NULL;
	}
	pci_unlock_rescan_remove();
}

int uvf_bridge_init(void)
{
	bridge.root = root_device_register("uvf");
	if (IS_ERR(bridge.root))
		return PTR_ERR(bridge.root);

	bridge.window = (struct resource){
		.name = "uvf memory",
		.end = iomem_resource.end,
		.flags = IORESOURCE_MEM | IORESOURCE_MEM_64,
	};
	bridge.sysdata.node = NUMA_NO_NODE;
	bridge.sysdata.domain = uvf_compat_domain_get();
	if (bridge.sysdata.domain < 0) {
		root_device_unregister(bridge.root);
		return bridge.sysdata.domain;
	}
	return 0;
}

void uvf_bridge_exit(void)
{
	uvf_compat_domain_put(bridge.sysdata.domain);
	root_device_unregister(bridge.root);
}
