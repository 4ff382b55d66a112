using System.Runtime.InteropServices;

namespace RobustTrain.Native.Interop;

/// <summary>The C ABI of librobusttrain_torch, one to one; native/*.cpp documents it.</summary>
internal static unsafe partial class NativeMethods
{
    internal const string Library = "robusttrain_torch";

    [LibraryImport(Library)] internal static partial byte* rt_last_error();
    [LibraryImport(Library)] internal static partial byte* rt_version();
    [LibraryImport(Library)] internal static partial void rt_free_memory(void* memory);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial int rt_operator_find(string name, string overload, out nint found);
    [LibraryImport(Library)] internal static partial int rt_operator_call(nint target, NativeValue* arguments, int count, NativeValue* results, int capacity);
    [LibraryImport(Library)] internal static partial int rt_operator_schema(nint target, byte* buffer, int capacity);

    [LibraryImport(Library)] internal static partial void rt_tensor_free(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_retain(nint handle, out nint result);
    [LibraryImport(Library)] internal static partial int rt_tensor_is_same(nint left, nint right);
    [LibraryImport(Library)] internal static partial int rt_tensor_from_memory(void* data, long* sizes, int dimensions, int dtype, out nint result);
    [LibraryImport(Library)] internal static partial int rt_tensor_wrap(nint data, long* sizes, int dimensions, int dtype, delegate* unmanaged<nint, void> release, nint context, out nint result);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int rt_tensor_dim(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial long rt_tensor_numel(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_sizes(nint handle, long* sizes);
    [LibraryImport(Library)] internal static partial int rt_tensor_strides(nint handle, long* strides);
    [LibraryImport(Library)] internal static partial int rt_tensor_storage_offset(nint handle, out long offset);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int rt_tensor_dtype(nint handle);
    [LibraryImport(Library), SuppressGCTransition] internal static partial int rt_tensor_element_size(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_device(nint handle, out int type, out int index);
    [LibraryImport(Library)] internal static partial int rt_tensor_layout(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_is_contiguous(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_is_pinned(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_data(nint handle, out nint data);
    [LibraryImport(Library)] internal static partial int rt_tensor_item(nint handle, out NativeValue result);

    [LibraryImport(Library), SuppressGCTransition] internal static partial int rt_grad_enabled();
    [LibraryImport(Library), SuppressGCTransition] internal static partial void rt_set_grad_enabled(int enabled);
    [LibraryImport(Library)] internal static partial int rt_inference_enabled();
    [LibraryImport(Library)] internal static partial int rt_inference_begin(int enabled, out nint guard);
    [LibraryImport(Library)] internal static partial void rt_inference_end(nint guard);
    [LibraryImport(Library)] internal static partial int rt_tensor_requires_grad(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_set_requires_grad(nint handle, int required);
    [LibraryImport(Library)] internal static partial int rt_tensor_is_leaf(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_retain_grad(nint handle);
    [LibraryImport(Library)] internal static partial int rt_tensor_grad(nint handle, out nint grad);
    [LibraryImport(Library)] internal static partial int rt_tensor_set_grad(nint handle, nint grad);
    [LibraryImport(Library)] internal static partial int rt_tensor_set_data(nint handle, nint source);
    [LibraryImport(Library)] internal static partial int rt_backward(nint* roots, nint* gradients, int count, int retainGraph, int createGraph, nint* inputs, int inputCount);
    [LibraryImport(Library)] internal static partial int rt_grad(nint* outputs, nint* gradients, int count, nint* inputs, int inputCount, int retainGraph, int createGraph, int allowUnused, nint* results);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial int rt_script_load(string path, int deviceType, int deviceIndex, out nint loaded);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial int rt_script_save(nint handle, string path);
    [LibraryImport(Library)] internal static partial void rt_script_free(nint handle);
    [LibraryImport(Library)] internal static partial int rt_script_train(nint handle, int on);
    [LibraryImport(Library)] internal static partial int rt_script_is_training(nint handle);
    [LibraryImport(Library)] internal static partial int rt_script_to(nint handle, int deviceType, int deviceIndex, int dtype, int nonBlocking);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial int rt_script_invoke(nint handle, string method, NativeValue* arguments, int count, NativeValue* results, int capacity, out int isTuple);
    [LibraryImport(Library)] internal static partial int rt_script_parameters(nint handle, delegate* unmanaged<nint, byte*, nint, void> visit, nint context);
    [LibraryImport(Library)] internal static partial int rt_script_buffers(nint handle, delegate* unmanaged<nint, byte*, nint, void> visit, nint context);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial int rt_script_parameter_count(nint handle, string method);

    [LibraryImport(Library)] internal static partial int rt_manual_seed(ulong seed);
    [LibraryImport(Library)] internal static partial int rt_generator_default(int deviceType, int deviceIndex, out nint result);
    [LibraryImport(Library)] internal static partial int rt_generator_new(ulong seed, out nint result);
    [LibraryImport(Library)] internal static partial void rt_generator_free(nint handle);
    [LibraryImport(Library)] internal static partial int rt_generator_set_seed(nint handle, ulong seed);
    [LibraryImport(Library)] internal static partial int rt_generator_seed(nint handle, out ulong seed);
    [LibraryImport(Library)] internal static partial int rt_generator_initial_seed(nint handle, out ulong seed);
    [LibraryImport(Library)] internal static partial int rt_generator_state(nint handle, out nint state);
    [LibraryImport(Library)] internal static partial int rt_generator_set_state(nint handle, nint state);

    [LibraryImport(Library)] internal static partial int rt_tune_allocator();
    [LibraryImport(Library)] internal static partial int rt_threads();
    [LibraryImport(Library)] internal static partial int rt_set_threads(int count);
    [LibraryImport(Library)] internal static partial int rt_interop_threads();
    [LibraryImport(Library)] internal static partial int rt_set_interop_threads(int count);
    [LibraryImport(Library)] internal static partial int rt_deterministic();
    [LibraryImport(Library)] internal static partial int rt_deterministic_warn_only();
    [LibraryImport(Library)] internal static partial int rt_set_deterministic(int on, int warnOnly);
    [LibraryImport(Library)] internal static partial int rt_anomaly_enabled();
    [LibraryImport(Library)] internal static partial int rt_anomaly_checks_nan();
    [LibraryImport(Library)] internal static partial void rt_set_anomaly(int on, int checkNan);
    [LibraryImport(Library)] internal static partial int rt_cudnn_benchmark();
    [LibraryImport(Library)] internal static partial void rt_set_cudnn_benchmark(int on);
    [LibraryImport(Library)] internal static partial int rt_cudnn_deterministic();
    [LibraryImport(Library)] internal static partial void rt_set_cudnn_deterministic(int on);

    [LibraryImport(Library)] internal static partial int rt_cuda_device_count();
    [LibraryImport(Library)] internal static partial int rt_cuda_has_cudnn();
    [LibraryImport(Library)] internal static partial int rt_cuda_synchronize(int device);
    [LibraryImport(Library)] internal static partial int rt_cuda_streams_built();
    [LibraryImport(Library)] internal static partial int rt_cuda_stream_new(int device, int highPriority, out nint result);
    [LibraryImport(Library)] internal static partial int rt_cuda_stream_current(int device, out nint result);
    [LibraryImport(Library)] internal static partial int rt_cuda_stream_set_current(nint handle);
    [LibraryImport(Library)] internal static partial int rt_cuda_stream_synchronize(nint handle);
    [LibraryImport(Library)] internal static partial int rt_cuda_stream_query(nint handle);
    [LibraryImport(Library)] internal static partial int rt_cuda_stream_id(nint handle, out nint native);
    [LibraryImport(Library)] internal static partial void rt_cuda_stream_free(nint handle);

    /// <summary>Passes a result through, or throws what the library reported.</summary>
    /// <exception cref="TorchException">The result is negative.</exception>
    internal static int Check(int result)
    {
        if (result < 0) Throw();
        return result;
    }

    /// <inheritdoc cref="Check(int)"/>
    internal static long Check(long result)
    {
        if (result < 0) Throw();
        return result;
    }

    internal static void Throw() => throw new TorchException(Marshal.PtrToStringUTF8((nint)rt_last_error()) ?? "libtorch failed without a message");
}
