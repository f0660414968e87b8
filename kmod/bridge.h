/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual PCI host bridge: a domain of its own, and the buses in it. */
#ifndef UVF_BRIDGE_H
#define UVF_BRIDGE_H

struct page;
struct pci_dev;

/* A function's index is its bus number and devfn, as in a PCI requester ID. */
#define UVF_FUNCTIONS_PER_BUS 256

int uvf_bridge_init(void);
void uvf_bridge_exit(void);

/* Removes all devices and buses. The domain stays until uvf_bridge_exit(). */
void uvf_bridge_clear(void);

/* Memory that can be a BAR. It is given back after the buses have gone. */
struct page *uvf_bridge_alloc_bar(void);
void uvf_bridge_free_bar(struct page *page);

/* Finds the function that appeared at this index. Under pci_lock_rescan_remove(). */
int uvf_bridge_scan(unsigned int index);

/* Index of a device in our domain, or -1 for any other device. */
int uvf_bridge_index(const struct pci_dev *pdev);

#endif /* UVF_BRIDGE_H */
