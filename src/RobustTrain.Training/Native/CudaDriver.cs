using System.Runtime.InteropServices;

namespace RobustTrain.Training.Native;

/// <summary>
/// What a copy beside the step needs of the CUDA driver's API: a stream of its own, events, and host memory that the device reads by itself.
/// TorchSharp has none of these.
/// </summary>
internal static partial class CudaDriver
{
    private const string Library = "cuda";

    static CudaDriver() => NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, (name, _, _) => name == Library ? Load() : 0);

    /// <summary>The newest CUDA version that the driver supports, for example 12.4; null where there is no driver.</summary>
    public static Version? FindVersion() =>
        NativeLibrary.TryLoad(FileName, out _) && cuDriverGetVersion(out int version) == 0 ? new Version(version / 1000, version % 1000 / 10) : null;

    private static string FileName => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    private static nint Load() =>
        NativeLibrary.TryLoad(FileName, out nint library) ? library : throw new DllNotFoundException($"The NVIDIA driver's library {FileName} was not found; install the driver.");

    private static void Check(int result, string what)
    {
        if (result == 0)
            return;
        string name = cuGetErrorName(result, out nint text) == 0 ? Marshal.PtrToStringUTF8(text)! : $"error {result}";
        // TorchFailure tells memory that was not enough by these words.
        throw new ExternalException(name == "CUDA_ERROR_OUT_OF_MEMORY" ? $"CUDA out of memory: {what}." : $"The CUDA driver could not {what}: {name}.", result);
    }

    [LibraryImport(Library)]
    private static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    private static partial int cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    private static partial int cuGetErrorName(int error, out nint text);

    [LibraryImport(Library)]
    private static partial int cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    private static partial int cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    private static partial int cuDevicePrimaryCtxRelease(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxPushCurrent_v2")]
    private static partial int cuCtxPushCurrent(nint context);

    [LibraryImport(Library, EntryPoint = "cuCtxPopCurrent_v2")]
    private static partial int cuCtxPopCurrent(out nint context);

    [LibraryImport(Library)]
    private static partial int cuStreamCreate(out nint stream, uint flags);

    [LibraryImport(Library)]
    private static partial int cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    private static partial int cuStreamQuery(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    private static partial int cuStreamDestroy(nint stream);

    [LibraryImport(Library)]
    private static partial int cuStreamWaitEvent(nint stream, nint awaited, uint flags);

    [LibraryImport(Library)]
    private static partial int cuEventCreate(out nint made, uint flags);

    [LibraryImport(Library)]
    private static partial int cuEventRecord(nint recorded, nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    private static partial int cuEventDestroy(nint destroyed);

    [LibraryImport(Library, EntryPoint = "cuMemHostRegister_v2")]
    private static partial int cuMemHostRegister(nint memory, nuint bytes, uint flags);

    [LibraryImport(Library)]
    private static partial int cuMemHostUnregister(nint memory);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    private static partial int cuMemcpyHtoDAsync(nint target, nint source, nuint bytes, nint stream);

    /// <summary>A stream on which memory of the host is copied to one device, in torch's own context there.</summary>
    public sealed unsafe class CopyStream : IDisposable
    {
        private const uint NonBlocking = 1;
        private const uint WithoutTiming = 2;

        // torch computes on the legacy default stream.
        private const nint TorchStream = 0;

        private readonly int _device;
        private readonly nint _context;
        private readonly nint _stream;
        private readonly nint _event;
        private byte* _staging;
        private nuint _capacity;
        private nuint _used;

        /// <summary>Makes a stream on the device with the number <paramref name="ordinal"/>, as torch counts them.</summary>
        /// <exception cref="DllNotFoundException">There is no NVIDIA driver.</exception>
        /// <exception cref="ExternalException">The driver refuses.</exception>
        public CopyStream(int ordinal)
        {
            Check(cuInit(0), "start");
            Check(cuDeviceGet(out _device, ordinal), $"find GPU {ordinal}");
            Check(cuDevicePrimaryCtxRetain(out _context, _device), $"open GPU {ordinal}");
            using Scope scope = new(_context);
            Check(cuStreamCreate(out _stream, NonBlocking), "make a stream");
            Check(cuEventCreate(out _event, WithoutTiming), "make an event");
        }

        /// <summary>Begins a batch: what is copied from now on waits for the work that torch has been given so far, whose memory the copies may reuse.</summary>
        /// <param name="bytes">How much will be copied at most.</param>
        public void Begin(nuint bytes)
        {
            using Scope scope = new(_context);
            // The batch before has been waited for, so its staging memory is free.
            Check(cuStreamSynchronize(_stream), "wait for a copy");
            Reserve(bytes);
            _used = 0;
            Check(cuEventRecord(_event, TorchStream), "mark torch's work");
            Check(cuStreamWaitEvent(_stream, _event, 0), "wait for torch's work");
        }

        /// <summary>Begins to copy; the source may be used again at once, the target when <see cref="Synchronize"/> has returned.</summary>
        public void Copy(nint target, nint source, nuint bytes)
        {
            using Scope scope = new(_context);
            byte* staged = _staging + _used;
            _used += bytes;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(_used, _capacity);
            NativeMemory.Copy((void*)source, staged, bytes);
            Check(cuMemcpyHtoDAsync(target, (nint)staged, bytes, _stream), "copy a batch");
        }

        /// <summary>Waits for every copy that was begun.</summary>
        public void Synchronize()
        {
            using Scope scope = new(_context);
            Check(cuStreamSynchronize(_stream), "copy a batch");
        }

        /// <inheritdoc/>
        /// <remarks>What the driver refuses here it has refused before, where it was reported.</remarks>
        public void Dispose()
        {
            cuCtxPushCurrent(_context);
            cuStreamSynchronize(_stream);
            Release();
            cuEventDestroy(_event);
            cuStreamDestroy(_stream);
            cuCtxPopCurrent(out _);
            cuDevicePrimaryCtxRelease(_device);
        }

        private void Reserve(nuint bytes)
        {
            if (bytes <= _capacity)
                return;
            Release();
            _staging = (byte*)NativeMemory.Alloc(bytes);
            Check(cuMemHostRegister((nint)_staging, bytes, 0), $"lock {bytes} bytes of memory");
            _capacity = bytes;
        }

        private void Release()
        {
            if (_capacity > 0)
                cuMemHostUnregister((nint)_staging);
            NativeMemory.Free(_staging);
            _staging = null;
            _capacity = 0;
        }
    }

    /// <summary>A stream beside torch's, on which other libraries work on torch's memory.</summary>
    public sealed class WorkStream : IDeviceStream
    {
        private const uint NonBlocking = 1;
        private const uint WithoutTiming = 2;
        private const int NotReady = 600;

        // torch computes on the legacy default stream.
        private const nint TorchStream = 0;

        private readonly int _device;
        private readonly nint _context;
        private readonly nint _event;

        /// <summary>Makes a stream on the device with the number <paramref name="ordinal"/>, as torch counts them.</summary>
        /// <exception cref="DllNotFoundException">There is no NVIDIA driver.</exception>
        /// <exception cref="ExternalException">The driver refuses.</exception>
        public WorkStream(int ordinal)
        {
            Check(cuInit(0), "start");
            Check(cuDeviceGet(out _device, ordinal), $"find GPU {ordinal}");
            Check(cuDevicePrimaryCtxRetain(out _context, _device), $"open GPU {ordinal}");
            using Scope scope = new(_context);
            Check(cuStreamCreate(out nint stream, NonBlocking), "make a stream");
            Handle = stream;
            Check(cuEventCreate(out _event, WithoutTiming), "make an event");
        }

        /// <summary>The stream.</summary>
        public nint Handle { get; }

        /// <summary>Does work in the device's context, after the work that torch has been given so far.</summary>
        public void AfterTorch(Action work)
        {
            using Scope scope = new(_context);
            Check(cuEventRecord(_event, TorchStream), "mark torch's work");
            Check(cuStreamWaitEvent(Handle, _event, 0), "wait for torch's work");
            work();
        }

        /// <summary>Whether everything on the stream is done.</summary>
        public bool IsDone()
        {
            using Scope scope = new(_context);
            int result = cuStreamQuery(Handle);
            if (result == NotReady)
                return false;
            Check(result, "work beside torch");
            return true;
        }

        /// <inheritdoc/>
        /// <remarks>What the driver refuses here it has refused before, where it was reported.</remarks>
        public void Dispose()
        {
            cuCtxPushCurrent(_context);
            cuEventDestroy(_event);
            cuStreamDestroy(Handle);
            cuCtxPopCurrent(out _);
            cuDevicePrimaryCtxRelease(_device);
        }
    }

    /// <summary>Makes a context the thread's own for a while; torch's choice comes back afterwards.</summary>
    private readonly ref struct Scope
    {
        public Scope(nint context) => Check(cuCtxPushCurrent(context), "take the GPU");

        public void Dispose() => Check(cuCtxPopCurrent(out _), "leave the GPU");
    }
}

/// <summary>Where a GPU works beside torch.</summary>
internal interface IDeviceStream : IDisposable
{
    /// <summary>The driver's handle.</summary>
    nint Handle { get; }

    /// <summary>Gives it work that begins after what torch has been given so far.</summary>
    void AfterTorch(Action work);

    /// <summary>Whether all of it is done.</summary>
    bool IsDone();
}
