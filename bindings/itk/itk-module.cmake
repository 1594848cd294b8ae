# What ITK's build system needs to know of this module.
itk_module(CoopSeg
    DEPENDS
        ITKCommon
    TEST_DEPENDS
        ITKTestKernel
        ITKIOImageBase
        ITKIONIFTI
        ITKImageGrid
    DESCRIPTION
        "Two-stage segmentation of medical images with models trained by coopseg, and simulated artefacts."
    EXCLUDE_FROM_DEFAULT
)
