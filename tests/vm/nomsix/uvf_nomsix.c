// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the PCI core forget the MSI-X of our functions, as long as this is loaded, so that a driver
 * that comes then is given MSI:
 *
 *	insmod uvf_nomsix.ko
 *
 * For tests/kselftest/mod_msi.sh alone. A function should not be in use by a driver meanwhile.
 */
#include <linux/module.h>
#include <linux/pci.h>

#define MSIX 0x60

static void each(u8 msix)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(0x1af4, 0x10f0, pdev)))
		pdev->msix_cap = msix;
}

static int __init nomsix_init(void)
{
	each(0);
	return 0;
}

static void __exit nomsix_exit(void)
{
	each(MSIX);
}

module_init(nomsix_init);
module_exit(nomsix_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Takes MSI-X away from uvf's functions");
