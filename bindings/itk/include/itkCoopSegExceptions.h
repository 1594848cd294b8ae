#ifndef itkCoopSegExceptions_h
#define itkCoopSegExceptions_h

// What the library refuses, as ITK says it.

#include "itkObject.h"

#include <coopseg/coopseg.hpp>

namespace itk
{
namespace CoopSeg
{
/** The exception of ITK that fits an error of the library: itk::ProcessAborted, itk::MemoryAllocationError or
 * itk::ExceptionObject, which names the filter as itkExceptionMacro does. */
[[noreturn]] inline void
ThrowAsITKException(const Object & filter, const coopseg::Error & error)
{
  if (error.status() == coopseg::Status::cancelled)
  {
    ProcessAborted aborted(__FILE__, __LINE__);
    aborted.SetLocation(ITK_LOCATION);
    throw aborted;
  }
  if (error.status() == coopseg::Status::out_of_memory)
  {
    itkSpecializedMessageExceptionMacro(MemoryAllocationError,
                                        << filter.GetNameOfClass() << "(" << &filter << "): " << error.what());
  }
  itkGenericExceptionMacro(<< filter.GetNameOfClass() << "(" << &filter << "): " << error.what());
}
} // end namespace CoopSeg
} // end namespace itk

#endif // itkCoopSegExceptions_h
