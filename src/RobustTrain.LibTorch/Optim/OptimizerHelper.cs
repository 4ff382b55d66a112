using System.Runtime.CompilerServices;
using RobustTrain.Native.Interop;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

/// <summary>What all optimisers share: groups of parameters, a state for each parameter, and their files.</summary>
public abstract class OptimizerHelper : Optimizer
{
    protected OptimizerOptions _defaults = null!;

    private readonly Dictionary<Parameter, OptimizerState> _states = new(ByReference.Instance);

    public OptimizerHelper() { }

    public void save_state_dict(string location)
    {
        using FileStream stream = File.Create(location);
        using var writer = new BinaryWriter(stream);
        save_state_dict(writer);
    }

    public void load_state_dict(string location)
    {
        using FileStream stream = File.OpenRead(location);
        using var reader = new BinaryReader(stream);
        load_state_dict(reader);
    }

    public void save_state_dict(BinaryWriter writer)
    {
        writer.Write(GetType().Name);
        StateDictionary own = state_dict();
        writer.Write7BitEncodedInt64(own.Options.Count);
        writer.Write7BitEncodedInt64(own.State.Count);
        foreach (OptimizerOptions options in own.Options) options.SaveStateDict(writer);
        foreach (OptimizerState state in own.State) state.SaveStateDict(writer);
    }

    /// <exception cref="InvalidDataException">The file is of another optimiser.</exception>
    /// <exception cref="ArgumentException">The file has other groups or parameters.</exception>
    public void load_state_dict(BinaryReader reader)
    {
        string name = reader.ReadString();
        if (name != GetType().Name) throw new InvalidDataException($"Mismatched optimizer type: expected '{GetType().Name}', but found '{name}' in the loaded stream.");
        StateDictionary own = state_dict();
        RequireSame(own, reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64());
        foreach (OptimizerOptions options in own.Options) options.LoadStateDict(reader);
        foreach (OptimizerState state in own.State) state.LoadStateDict(reader);
    }

    public virtual void load_state_dict(StateDictionary state_dict)
    {
        StateDictionary own = this.state_dict();
        RequireSame(own, state_dict.Options.Count, state_dict.State.Count);
        for (int i = 0; i < own.Options.Count; i++)
        {
            if (own.Options[i] != state_dict.Options[i]) own.Options[i].LoadStateDict(state_dict.Options[i]);
        }
        for (int i = 0; i < own.State.Count; i++)
        {
            if (own.State[i] != state_dict.State[i]) own.State[i].LoadStateDict(state_dict.State[i]);
        }
    }

    public virtual StateDictionary state_dict()
    {
        var dictionary = new StateDictionary();
        foreach (ParamGroup group in _parameter_groups)
        {
            dictionary.Options.Add(group.Options);
            var indices = new List<int>();
            foreach (Parameter parameter in group.Parameters)
            {
                indices.Add(dictionary.State.Count);
                dictionary.State.Add(_states[parameter]);
            }
            dictionary.StateIndexRef.Add(indices);
        }
        return dictionary;
    }

    public void to(Device device)
    {
        foreach (OptimizerState state in _states.Values) state.to(device);
    }

    public override void zero_grad()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        List<Tensor> grads = [];
        foreach (Parameter parameter in parameters())
        {
            if (parameter.grad is Tensor grad) grads.Add(grad);
        }
        if (grads.Count > 0) Aten._foreach_zero_.Run(grads);
    }

    public override IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(group => group.Parameters);

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (OptimizerState state in _states.Values) (state as IDisposable)?.Dispose();
        _states.Clear();
    }

    /// <summary>Adds a group whose options are complete, with a fresh state for each of its parameters.</summary>
    private protected void Add(ParamGroup group, Func<Parameter, OptimizerState> newState)
    {
        Parameter[] parameters = [.. group.Parameters];
        group.Parameters = parameters;
        foreach (Parameter parameter in parameters)
        {
            if (_states.ContainsKey(parameter)) throw new ArgumentException("some parameters appear in more than one parameter group", nameof(group));
            OptimizerState state = newState(parameter);
            state.Initialize(group.Options);
            _states.Add(parameter, state);
        }
        group.Options.InitialLearningRate = group.Options.LearningRate!.Value;
        _parameter_groups.Add(group);
    }

    /// <summary>Runs a step's work on each group's parameters that have a gradient, with their states.</summary>
    private protected Tensor? Step<TState>(Func<Tensor>? closure, Action<OptimizerOptions, Batch<TState>> update) where TState : OptimizerState
    {
        Tensor? loss = null;
        if (closure is not null)
        {
            using IDisposable recording = enable_grad();
            loss = closure();
        }
        using IDisposable quiet = no_grad();
        foreach (ParamGroup group in _parameter_groups)
        {
            using DisposeScope scope = NewDisposeScope();
            var batch = new Batch<TState>();
            foreach (Parameter parameter in group.Parameters)
            {
                if (parameter.grad is not Tensor grad) continue;
                batch.Parameters.Add(parameter);
                batch.Grads.Add(grad);
                batch.States.Add((TState)_states[parameter]);
            }
            if (batch.Parameters.Count > 0) update(group.Options, batch);
        }
        return loss;
    }

    private static void RequireSame(StateDictionary own, long groups, long states)
    {
        if (groups != own.Options.Count) throw new ArgumentException($"Invalid optimizer state -- different number of parameter groups: {groups}, expected {own.Options.Count}.");
        if (states != own.State.Count) throw new ArgumentException($"Invalid optimizer state -- different number of states: {states}, expected {own.State.Count}.");
    }

    /// <summary>The parameters of a group that have a gradient; the lists go into one operator call for all.</summary>
    private protected sealed class Batch<TState>
    {
        internal readonly List<Tensor> Parameters = [];
        internal List<Tensor> Grads = [];
        internal readonly List<TState> States = [];
    }

    // A tensor's own equality compares values.
    private sealed class ByReference : IEqualityComparer<Parameter>
    {
        internal static readonly ByReference Instance = new();
        public bool Equals(Parameter? x, Parameter? y) => ReferenceEquals(x, y);
        public int GetHashCode(Parameter obj) => RuntimeHelpers.GetHashCode(obj);
    }
}
