using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Seeds the default generators of every device.</summary>
    public static Generator manual_seed(long seed)
    {
        _ = NativeMethods.Check(NativeMethods.rt_manual_seed(unchecked((ulong)seed)));
        return Generator.Default;
    }

    public static Tensor get_rng_state()
    {
        using Generator generator = Generator.Default;
        return generator.get_state();
    }

    public static void set_rng_state(Tensor new_state)
    {
        using Generator generator = Generator.Default;
        generator.set_state(new_state);
    }

    public static long seed()
    {
        using Generator generator = Generator.Default;
        return generator.seed();
    }

    public static long initial_seed()
    {
        using Generator generator = Generator.Default;
        return generator.initial_seed();
    }

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);
        public static Tensor get_rng_state() => torch.get_rng_state();
        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
        public static long seed() => torch.seed();
        public static long initial_seed() => torch.initial_seed();
    }

    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        Unnamed(names);
        return Made(Aten.randint_low_generator.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device)), requires_grad);
    }

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        randint(0, high, size, dtype, device, requires_grad, generator, names);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        Made(Aten.randperm_generator.Call(n, generator, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor normal(Tensor mean, Tensor std, Generator? generator = null) => Aten.normal_Tensor_Tensor.Call(mean, std, generator);

    public static Tensor normal(double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        Unnamed(names);
        return Made(Aten.normal_float_float.Call(mean, std, size.ToArray(), generator, dtype ?? s_defaultDType, Arg.None, InitializeDevice(device)), requires_grad);
    }

    public partial class Tensor
    {
        public Tensor uniform_(double from, double to, Generator? generator = null) => Aten.uniform_.Apply(this, from, to, generator);
        public Tensor random_(double from, double to, Generator? generator = null) => Aten.random__from.Apply(this, (long)from, (long)to, generator);
    }

    /// <summary>A source of random numbers with a state of its own.</summary>
    public class Generator : IDisposable
    {
        private nint _handle;

        /// <exception cref="NotSupportedException">A device other than the CPU: its default generator is the only one.</exception>
        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            if (this.device.type != DeviceType.CPU) throw new NotSupportedException($"A generator of one's own is supported on the CPU only, not on {this.device}.");
            _ = NativeMethods.Check(NativeMethods.rt_generator_new(seed, out _handle));
        }

        private Generator(nint handle, Device device)
        {
            _handle = handle;
            this.device = device;
        }

        ~Generator() => Dispose(false);

        /// <summary>The CPU's default generator. Disposing this object leaves the generator itself alone.</summary>
        public static Generator Default
        {
            get
            {
                _ = NativeMethods.Check(NativeMethods.rt_generator_default((int)DeviceType.CPU, -1, out nint handle));
                return new Generator(handle, CPU);
            }
        }

        public nint Handle
        {
            get
            {
                ObjectDisposedException.ThrowIf(_handle == 0, this);
                return _handle;
            }
        }

        public Device device { get; }

        public Tensor get_state()
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_state(Handle, out nint state));
            return new Tensor(state);
        }

        public void set_state(Tensor value)
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
        }

        public Generator manual_seed(long seed)
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_set_seed(Handle, unchecked((ulong)seed)));
            return this;
        }

        public long seed()
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_seed(Handle, out ulong seed));
            return unchecked((long)seed);
        }

        public long initial_seed()
        {
            _ = NativeMethods.Check(NativeMethods.rt_generator_initial_seed(Handle, out ulong seed));
            return unchecked((long)seed);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0) NativeMethods.rt_generator_free(handle);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }
    }
}
