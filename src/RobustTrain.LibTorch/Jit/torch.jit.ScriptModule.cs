using RobustTrain.Native.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class jit
    {
        /// <summary>A module that PyTorch wrote as TorchScript. Its parameters and buffers bear their full paths.</summary>
        public class ScriptModule : nn.Module
        {
            private readonly ScriptHandle _script;

            internal ScriptModule(ScriptHandle script) : base(nameof(ScriptModule))
            {
                _script = script;
                foreach ((string path, nint handle) in ScriptCalls.Parameters(script))
                {
                    var parameter = new Parameter(handle);
                    _ = parameter.DetachFromDisposeScope();
                    register_parameter(path, parameter);
                }
                foreach ((string path, nint handle) in ScriptCalls.Buffers(script)) register_buffer(path, new Tensor(handle).DetachFromDisposeScope());
            }

            internal ScriptHandle Script => _script;

            public override bool training => NativeMethods.Check(NativeMethods.rt_script_is_training(_script.Value)) != 0;

            public override void train(bool on = true) => _ = NativeMethods.Check(NativeMethods.rt_script_train(_script.Value, on ? 1 : 0));

            public override void eval() => train(false);

            public object forward(params object?[] input) => invoke("forward", input);

            public object call(params object?[] input) => forward(input);

            /// <summary>Calls a method of the module.</summary>
            /// <exception cref="RobustTrain.Native.TorchException">There is no such method, or it refused the arguments.</exception>
            public object invoke(string name, params object?[] objs) => ScriptCalls.Invoke(_script, name, objs)!;

            public TResult invoke<TResult>(string name, params object?[] inputs) => (TResult)invoke(name, inputs);

            public TResult invoke<T, TResult>(string name, params T[] inputs) => (TResult)invoke(name, Array.ConvertAll(inputs, input => (object?)input));

            /// <summary>The number of arguments of <c>forward</c>.</summary>
            public int GetNumberOfInputs() => NativeMethods.Check(NativeMethods.rt_script_parameter_count(_script.Value, "forward"));

            protected override void Dispose(bool disposing)
            {
                base.Dispose(disposing);
                if (disposing) _script.Dispose();
            }
        }

        /// <summary>A scripted module of one input.</summary>
        public class ScriptModule<T, TResult> : ScriptModule, nn.IModule<T, TResult>
        {
            internal ScriptModule(ScriptHandle script) : base(script) { }

            public TResult call(T input) => forward(input);
            public TResult forward(T tensor) => (TResult)invoke("forward", [tensor]);
        }

        /// <summary>A scripted module of two inputs.</summary>
        public class ScriptModule<T1, T2, TResult> : ScriptModule, nn.IModule<T1, T2, TResult>
        {
            internal ScriptModule(ScriptHandle script) : base(script) { }

            public TResult call(T1 input1, T2 input2) => forward(input1, input2);
            public TResult forward(T1 input1, T2 input2) => (TResult)invoke("forward", [input1, input2]);
        }
    }
}
