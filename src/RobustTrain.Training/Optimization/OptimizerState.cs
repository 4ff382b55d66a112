using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using TorchSharp.Modules;
using MomentState = TorchSharp.Modules.OptimizerState;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimization;

/// <summary>
/// The optimiser's state in a checkpoint, each tensor under its parameter's name:
/// <c>{parameter}.momentum_buffer</c> (SGD), <c>{parameter}.step</c>, <c>.exp_avg</c> and <c>.exp_avg_sq</c> (Adam, AdamW).
/// </summary>
/// <param name="optimizer">The optimiser.</param>
/// <param name="parameterNames">The names of its parameters, in its order.</param>
/// <param name="fileName">The file that holds it.</param>
internal sealed class OptimizerState(OptimizerHelper optimizer, IReadOnlyList<string> parameterNames, string fileName = Checkpoint.OptimizerFile) : ICheckpointState
{
    private const string MomentumBuffer = ".momentum_buffer";
    private const string Step = ".step";
    private const string Average = ".exp_avg";
    private const string SquareAverage = ".exp_avg_sq";

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        draft.AddFile(fileName);
        foreach ((string name, MomentState state) in States())
        {
            // AdamW's state is one of Adam's in our binding, and is not in TorchSharp: it stands first, so that both compile.
            switch (state)
            {
                case SGD.State { momentum_buffer: { } buffer }:
                    draft.Add(fileName, name + MomentumBuffer, buffer);
                    break;
                case SGD.State:
                    break;
                case AdamW.State adamW:
                    SaveMoments(draft, name, adamW.step, adamW.exp_avg, adamW.exp_avg_sq);
                    break;
                case Adam.State adam:
                    SaveMoments(draft, name, adam.step, adam.exp_avg, adam.exp_avg_sq);
                    break;
                default:
                    throw new NotSupportedException($"The state of {optimizer.GetType().Name} can't be put into a checkpoint.");
            }
        }
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        using SafeTensorsReader file = archive.OpenTensors(fileName);
        foreach ((string name, MomentState state) in States())
            Load(archive, file, name, state);
    }

    /// <inheritdoc/>
    /// <remarks>A parameter that was learned before, by an optimiser with the same state, goes on with it; any other begins with none.</remarks>
    public void BeginStage(CheckpointArchive former)
    {
        using SafeTensorsReader file = former.OpenTensors(fileName);
        foreach ((string name, MomentState state) in States())
        {
            if (state is SGD.State || file.Entries.ContainsKey(name + Average))
                Load(former, file, name, state);
        }
    }

    private void Load(CheckpointArchive archive, SafeTensorsReader file, string name, MomentState state)
    {
        switch (state)
        {
            case SGD.State sgd:
                LoadMomentum(archive, file, name, sgd);
                break;
            case AdamW.State adamW:
                adamW.step = LoadMoments(archive, file, name, adamW.exp_avg, adamW.exp_avg_sq);
                break;
            case Adam.State adam:
                adam.step = LoadMoments(archive, file, name, adam.exp_avg, adam.exp_avg_sq);
                break;
            default:
                throw new NotSupportedException($"The state of {optimizer.GetType().Name} can't be taken from a checkpoint.");
        }
    }

    private IEnumerable<(string Name, MomentState State)> States() => parameterNames.Zip(optimizer.state_dict().State);

    private void SaveMoments(CheckpointDraft draft, string name, long step, Tensor average, Tensor squareAverage)
    {
        draft.Add(fileName, name + Step, step);
        draft.Add(fileName, name + Average, average);
        draft.Add(fileName, name + SquareAverage, squareAverage);
    }

    private static long LoadMoments(CheckpointArchive archive, SafeTensorsReader file, string name, Tensor average, Tensor squareAverage)
    {
        archive.CopyTo(file, name + Average, average);
        archive.CopyTo(file, name + SquareAverage, squareAverage);
        return archive.ReadInteger(file, name + Step);
    }

    private void LoadMomentum(CheckpointArchive archive, SafeTensorsReader file, string name, SGD.State state)
    {
        // Before its first step SGD has no buffer, and its first step is not that of a buffer of zeros.
        if (!file.Entries.TryGetValue(name + MomentumBuffer, out SafeTensorsEntry? entry))
        {
            state.momentum_buffer?.Dispose();
            state.momentum_buffer = null;
            return;
        }

        if (state.momentum_buffer is null)
        {
            Device device = optimizer.parameters().First().device;
            state.momentum_buffer = zeros([.. entry.Shape], entry.Format.ScalarTypeOf(), device).DetachFromDisposeScope();
        }

        archive.CopyTo(file, name + MomentumBuffer, state.momentum_buffer!);
    }
}
