namespace TorchSharp.Modules;

/// <summary>Marks modules that have nothing to move, convert or save.</summary>
public interface IParameterLessModule { }
