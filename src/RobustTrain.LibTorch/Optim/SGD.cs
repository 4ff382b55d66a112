using RobustTrain.Native.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules
{
    /// <summary>Stochastic gradient descent, with momentum where asked for; as PyTorch computes it.</summary>
    public class SGD : OptimizerHelper, IMomentum
    {
        public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
            : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize) { }

        /// <exception cref="ArgumentException">A setting is out of range.</exception>
        public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
        {
            if (lr < 0) throw new ArgumentException($"Invalid learning rate: {lr}", nameof(lr));
            if (momentum < 0) throw new ArgumentException($"Invalid momentum value: {momentum}", nameof(momentum));
            if (weight_decay < 0) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}", nameof(weight_decay));
            if (nesterov && (momentum <= 0 || dampening != 0)) throw new ArgumentException("Nesterov momentum requires a momentum and zero dampening", nameof(nesterov));
            _defaults = new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize };
            foreach (ParamGroup group in parameters) add_param_group(group);
        }

        public double Momentum
        {
            get => ((Options)_defaults).momentum!.Value;
            set
            {
                ((Options)_defaults).momentum = value;
                foreach (Modules.ParamGroup group in _parameter_groups) ((Options)group.Options).momentum = value;
            }
        }

        public override Tensor? step(Func<Tensor>? closure = null) => Step<State>(closure, (options, batch) => Update((Options)options, batch));

        public override void add_param_group(Modules.ParamGroup param_group)
        {
            var own = (Options)(param_group.Options ??= new Options());
            var fallback = (Options)_defaults;
            own.LearningRate ??= fallback.LearningRate;
            own.momentum ??= fallback.momentum;
            own.dampening ??= fallback.dampening;
            own.weight_decay ??= fallback.weight_decay;
            own.nesterov ??= fallback.nesterov;
            own.maximize ??= fallback.maximize;
            Add(param_group, parameter => new State(parameter));
        }

        private static void Update(Options options, Batch<State> batch)
        {
            double momentum = options.momentum!.Value, decay = options.weight_decay!.Value;
            if (options.maximize!.Value) batch.Grads = [.. Aten._foreach_neg.CallList(batch.Grads)];
            if (decay != 0) batch.Grads = [.. Aten._foreach_add_List.CallList(batch.Grads, batch.Parameters, decay)];
            if (momentum != 0)
            {
                List<Tensor> buffers = Accumulate(options, batch, momentum);
                batch.Grads = options.nesterov!.Value ? [.. Aten._foreach_add_List.CallList(batch.Grads, buffers, momentum)] : buffers;
            }
            Aten._foreach_add__List.Run(batch.Parameters, batch.Grads, -options.LearningRate!.Value);
        }

        private static List<Tensor> Accumulate(Options options, Batch<State> batch, double momentum)
        {
            List<Tensor> running = [], news = [], all = [];
            for (int i = 0; i < batch.States.Count; i++)
            {
                State state = batch.States[i];
                if (state.momentum_buffer is Tensor buffer)
                {
                    running.Add(buffer);
                    news.Add(batch.Grads[i]);
                }
                else
                {
                    state.Start(batch.Grads[i]);
                }
                all.Add(state.momentum_buffer!);
            }
            if (running.Count > 0)
            {
                Aten._foreach_mul__Scalar.Run(running, momentum);
                Aten._foreach_add__List.Run(running, news, 1 - options.dampening!.Value);
            }
            return all;
        }

        public sealed class State : OptimizerState, IDisposable
        {
            /// <summary>Null before the first step.</summary>
            public Tensor? momentum_buffer;

            public State(Parameter parameter) : base(parameter) { }

            public void Dispose() => Replace(ref momentum_buffer, null);

            public override void to(Device device) => Replace(ref momentum_buffer, momentum_buffer?.to(device));

            public override void LoadStateDict(BinaryReader reader) => LoadConditionalStateTensor(reader, ref momentum_buffer, _parameter.device);

            public override void SaveStateDict(BinaryWriter writer) => SaveConditionalStateTensor(writer, momentum_buffer);

            public override void LoadStateDict(OptimizerState source) => Replace(ref momentum_buffer, CopyOf(((State)source).momentum_buffer));

            public override bool ApproximatelyEquals(OptimizerState other) => other is State state && Close(momentum_buffer, state.momentum_buffer);

            public override void Initialize(OptimizerOptions options) => Replace(ref momentum_buffer, null);

            internal void Start(Tensor grad) => Replace(ref momentum_buffer, grad.detach().clone());
        }

        public class Options : OptimizerOptions
        {
            public double? momentum;
            public double? dampening;
            public double? weight_decay;
            public bool? nesterov;
            public bool? maximize;

            public override void LoadStateDict(BinaryReader reader)
            {
                base.LoadStateDict(reader);
                momentum = reader.ReadDouble();
                dampening = reader.ReadDouble();
                weight_decay = reader.ReadDouble();
                nesterov = reader.ReadBoolean();
                maximize = reader.ReadBoolean();
            }

            public override void LoadStateDict(OptimizerOptions source)
            {
                base.LoadStateDict(source);
                var from = (Options)source;
                momentum = from.momentum;
                dampening = from.dampening;
                weight_decay = from.weight_decay;
                nesterov = from.nesterov;
                maximize = from.maximize;
            }

            public override void SaveStateDict(BinaryWriter writer)
            {
                base.SaveStateDict(writer);
                writer.Write(momentum!.Value);
                writer.Write(dampening!.Value);
                writer.Write(weight_decay!.Value);
                writer.Write(nesterov!.Value);
                writer.Write(maximize!.Value);
            }
        }

        public class ParamGroup : ParamGroup<Options>, IMomentum
        {
            public ParamGroup() { }

            public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

            public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                : base(parameters, new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize }) { }

            public double Momentum
            {
                get => Options.momentum!.Value;
                set => Options.momentum = value;
            }
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters.Select(named => named.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
        }
    }
}
