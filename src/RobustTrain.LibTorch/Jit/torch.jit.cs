using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class jit
    {
        /// <summary>Reads a TorchScript file.</summary>
        /// <exception cref="FileNotFoundException">There is no such file.</exception>
        /// <exception cref="RobustTrain.Native.TorchException">The file is no TorchScript file, or is damaged.</exception>
        public static ScriptModule load(string filename, DeviceType device_type = DeviceType.CPU, long device_index = -1) =>
            new(Read(filename, new Device(device_type, (int)device_index)));
        public static ScriptModule load(string filename, Device map_location) => new(Read(filename, map_location));
        public static ScriptModule load(string filename, string map_location) => new(Read(filename, new Device(map_location)));

        public static ScriptModule<T1, TResult> load<T1, TResult>(string filename, DeviceType device_type = DeviceType.CPU, long device_index = -1) =>
            new(Read(filename, new Device(device_type, (int)device_index)));
        public static ScriptModule<T1, TResult> load<T1, TResult>(string filename, Device map_location) => new(Read(filename, map_location));
        public static ScriptModule<T1, TResult> load<T1, TResult>(string filename, string map_location) => new(Read(filename, new Device(map_location)));

        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(string filename, DeviceType device_type = DeviceType.CPU, long device_index = -1) =>
            new(Read(filename, new Device(device_type, (int)device_index)));
        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(string filename, Device map_location) => new(Read(filename, map_location));
        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(string filename, string map_location) => new(Read(filename, new Device(map_location)));

        public static void save(ScriptModule module, string filename)
        {
            _ = NativeMethods.Check(NativeMethods.rt_script_save(module.Script.Value, filename));
            GC.KeepAlive(module);
        }

        private static ScriptHandle Read(string filename, Device device)
        {
            if (!File.Exists(filename)) throw new FileNotFoundException($"There is no TorchScript file {filename}.", filename);
            InitializeDeviceType(device.type);
            _ = NativeMethods.Check(NativeMethods.rt_script_load(filename, (int)device.type, device.index, out nint loaded));
            return new ScriptHandle(loaded);
        }
    }
}
