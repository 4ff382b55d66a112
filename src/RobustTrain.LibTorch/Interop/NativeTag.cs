namespace RobustTrain.Native.Interop;

/// <summary>Mirrors rt_tag of native/abi.h.</summary>
internal enum NativeTag
{
    None, Tensor, Int, Double, Bool, String, IntList, DoubleList, TensorList, Device, Default, Generator,
}
