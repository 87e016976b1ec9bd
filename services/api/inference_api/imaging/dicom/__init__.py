"""DICOM files: which are read, and how they become intensities or colours."""
