using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What an optimiser remembers of one parameter.</summary>
public abstract class OptimizerState
{
    protected Parameter _parameter;

    protected OptimizerState(Parameter parameter) => _parameter = parameter;

    public abstract void SaveStateDict(BinaryWriter writer);
    public abstract void LoadStateDict(BinaryReader reader);
    public abstract void LoadStateDict(OptimizerState source);
    public abstract void Initialize(OptimizerOptions options);

    public virtual bool ApproximatelyEquals(OptimizerState other) => false;
    public virtual void to(Device device) { }

    protected static void LoadConditionalStateTensor(BinaryReader reader, ref Tensor? result, Device device)
    {
        bool present = reader.ReadBoolean();
        result?.Dispose();
        result = present ? Keep(Tensor.Load(reader).to(device, disposeAfter: true)) : null;
    }

    protected static void SaveConditionalStateTensor(BinaryWriter writer, Tensor? tensor)
    {
        writer.Write(tensor is not null);
        tensor?.Save(writer);
    }

    /// <summary>States outlive the scope in which they came about.</summary>
    private protected static Tensor Keep(Tensor tensor) => tensor.DetachFromDisposeScope();

    private protected static void Replace(ref Tensor? held, Tensor? by)
    {
        Tensor? before = held;
        held = by is null ? null : Keep(by);
        before?.Dispose();
    }

    private protected Tensor Zeros()
    {
        using IDisposable quiet = no_grad();
        return zeros_like(_parameter);
    }

    private protected Tensor? CopyOf(Tensor? source) => source?.to(_parameter.device, copy: true);

    private protected static bool Close(Tensor? left, Tensor? right) => left is null ? right is null : right is not null && left.allclose(right);
}
